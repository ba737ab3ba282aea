-- wrk: requests random paths of the file BENCH_PATHS, with the headers of BENCH_COOKIE and
-- BENCH_ACCEPT; waits up to BENCH_DELAY ms between two requests; prints one line of JSON.
local requests = {}
local pause = tonumber(os.getenv("BENCH_DELAY") or "0")

function init()
    wrk.headers["Cookie"] = os.getenv("BENCH_COOKIE")
    wrk.headers["Accept"] = "text/html"
    math.randomseed(tonumber(os.getenv("BENCH_SEED") or "1"))
    for path in io.lines(os.getenv("BENCH_PATHS")) do
        requests[#requests + 1] = wrk.format("GET", path)
    end
end

function request()
    return requests[math.random(#requests)]
end

if pause > 0 then
    function delay()
        return math.random(0, pause)
    end
end

function done(summary, latency)
    local e = summary.errors
    io.write(string.format(
        '\n{"requests": %d, "seconds": %f, "bytes": %d, "p50": %f, "p99": %f, "max": %f, "status": %d, "line": %d}\n',
        summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1e3,
        latency:percentile(99) / 1e3, latency.max / 1e3,
        e.status, e.connect + e.read + e.write + e.timeout))
end
