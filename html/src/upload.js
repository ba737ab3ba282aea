/* The drop zone and its queue, over tus. Resumes by itself for as long as the page is open: what the
 * server has, it has. Words come from the page ([data-words]). */
import { Upload } from "tus-js-client";

import { tables } from "./tables.js";

const PARALLEL = 3;
const CHUNK = 16 * 1024 * 1024; /* bytes of one request: keeps the session awake, and proxies calm */
const STALLED = 45_000; /* ms without a byte, while bytes are missing */
const ANSWER = 600_000; /* ms for the answer to the last byte: the scan */
const LONGEST_WAIT = 30_000; /* ms between two tries */
const UNDER_WAY = new Set(["receiving", "scanning", "storing"]);

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

class Words {
  constructor(root) {
    this.texts = {};
    for (const term of root.querySelectorAll("dt")) {
      this.texts[term.textContent] = term.nextElementSibling.textContent;
    }
  }

  say(key, values = {}) {
    return fill(this.texts[key], values);
  }

  size(bytes) {
    const units = ["Byte", "KB", "MB", "GB", "TB"];
    let value = bytes;
    let unit = 0;
    while (value >= 1000 && unit < units.length - 1) {
      value /= 1000;
      unit += 1;
    }
    const digits = unit === 0 || value >= 100 ? 0 : 1;
    return `${value.toFixed(digits).replace(".", this.texts.comma)} ${units[unit]}`;
  }

  rest(seconds) {
    if (seconds < 90) return this.say("rest_seconds", { n: Math.max(1, Math.round(seconds / 5) * 5) });
    if (seconds < 5400) return this.say("rest_minutes", { n: Math.round(seconds / 60) });
    return this.say("rest_hours", { n: (seconds / 3600).toFixed(1).replace(".", this.texts.comma) });
  }
}

/* Speed over the last seconds, so that it neither jumps nor lies. */
class Meter {
  constructor() {
    this.points = [];
  }

  add(bytes) {
    const now = performance.now();
    this.points.push([now, bytes]);
    while (this.points.length > 2 && now - this.points[0][0] > 8000) this.points.shift();
  }

  /* Bytes handed over until MS before now. */
  before(ms) {
    const until = performance.now() - ms;
    return this.points.findLast(([time]) => time <= until)?.[1] ?? 0;
  }

  get speed() {
    const [first, last] = [this.points[0], this.points.at(-1)];
    if (!first || last[0] - first[0] < 500) return 0;
    return ((last[1] - first[1]) * 1000) / (last[0] - first[0]);
  }
}

class Job {
  constructor(queue, file) {
    this.queue = queue;
    this.file = file;
    this.words = queue.words;
    this.state = "waiting"; /* waiting running cut scanning, then: done kept bad cancelled */
    this.sent = 0; /* bytes handed to the network */
    this.accepted = 0; /* bytes that the server has confirmed */
    this.tries = 0;
    this.quarter = 0;
    this.meter = new Meter();
    this.row = queue.template.content.firstElementChild.cloneNode(true);
    this.part("name").textContent = file.name;
    this.part("cancel-name").textContent = `: ${file.name}`;
    this.part("bar").setAttribute("aria-label", file.name);
    this.part("cancel").addEventListener("click", () => this.cancel());
    this.text("waiting", { size: this.words.size(file.size) });
    queue.list.append(this.row);
  }

  part(name) {
    return this.row.querySelector(`[data-${name}]`);
  }

  text(key, values) {
    this.part("text").textContent = this.words.say(key, { name: this.file.name, ...values });
  }

  get over() {
    return ["done", "kept", "bad", "cancelled"].includes(this.state);
  }

  get percent() {
    return this.file.size ? Math.floor((this.sent * 100) / this.file.size) : 0;
  }

  start() {
    if (this.file.size === 0) return this.end("bad", this.words.say("empty", { name: this.file.name }));
    const max = Number(this.queue.form.dataset.max);
    if (max && this.file.size > max) {
      const values = { name: this.file.name, size: this.words.size(this.file.size) };
      return this.end("bad", this.words.say("too_large", values));
    }
    this.upload = new Upload(this.file, {
      endpoint: this.queue.form.dataset.endpoint,
      headers: { "X-CSRF-Token": this.queue.form.dataset.csrf, Accept: "application/json" },
      metadata: { filename: this.file.name, filetype: this.file.type || "application/octet-stream" },
      chunkSize: CHUNK,
      retryDelays: null, /* we try again ourselves, for ever */
      storeFingerprintForResuming: false,
      removeFingerprintOnSuccess: true,
      onProgress: (sent) => this.progress(sent),
      onChunkComplete: (size, accepted) => {
        this.accepted = accepted;
      },
      onSuccess: () => this.ask(),
      onError: (error) => this.failed(error),
    });
    return this.go();
  }

  go() {
    if (this.over) return;
    this.state = "running";
    this.row.classList.remove("job--cut");
    this.watch();
    this.upload.start();
  }

  /* A line that hangs without saying so. */
  watch() {
    clearTimeout(this.watchdog);
    const patience = this.sent < this.file.size ? STALLED : ANSWER;
    this.watchdog = setTimeout(async () => {
      await this.upload.abort();
      this.cut();
    }, patience);
  }

  progress(sent) {
    if (this.over) return;
    this.sent = sent;
    this.tries = 0;
    this.state = "running";
    this.watch();
    this.meter.add(sent);
    this.part("bar").value = this.percent;
    const speed = this.meter.speed;
    if (sent >= this.file.size) {
      this.part("bar").removeAttribute("value");
      this.text("scanning");
    } else if (speed === 0) {
      this.text("starting", { sent: this.words.size(sent), size: this.words.size(this.file.size) });
    } else {
      this.text("running", {
        sent: this.words.size(sent),
        size: this.words.size(this.file.size),
        speed: this.words.size(speed),
        rest: this.words.rest((this.file.size - sent) / speed),
      });
    }
    const quarter = Math.floor(this.percent / 25);
    if (quarter > this.quarter && quarter < 4) {
      this.quarter = quarter;
      this.queue.say(this.words.say("say", { name: this.file.name, percent: quarter * 25 }));
    }
    this.queue.changed();
  }

  failed(error) {
    clearTimeout(this.watchdog);
    if (this.over) return;
    const answer = error.originalResponse;
    const status = answer ? answer.getStatus() : 0;
    if (status === 401) return this.cut("signed_out");
    if (status === 403) return this.queue.stop(this.detail(answer));
    const passing = [408, 409, 423, 425, 429];
    if (status < 400 || status >= 500 || passing.includes(status)) return this.cut();
    if (status === 404 || status === 410) {
      this.upload.url = null; /* the server has cleaned up: from the start, but not for ever */
      this.lost = (this.lost || 0) + 1;
      if (this.lost < 3) return this.cut();
    }
    return this.refused(answer);
  }

  /* The sentence of a problem document; "" if there is none. */
  detail(answer) {
    try {
      return JSON.parse(answer.getBody()).detail || "";
    } catch {
      return "";
    }
  }

  refused(answer) {
    this.end("bad", this.detail(answer) || this.words.say("failed", { name: this.file.name }));
  }

  /* Wait for the line, then go on from what the server has. */
  cut(key = "cut") {
    if (this.over) return;
    clearTimeout(this.watchdog);
    this.state = "cut";
    /* What was handed over last has hardly arrived. */
    const sure = Math.max(this.accepted, this.meter.before(1000));
    const percent = Math.min(99, Math.floor((sure * 100) / this.file.size));
    const words = this.words.say(key, { percent });
    this.meter = new Meter();
    this.part("text").textContent = words;
    this.row.classList.add("job--cut");
    this.queue.offline(words);
    const wait = Math.min(LONGEST_WAIT, 1000 * 2 ** this.tries) * (0.75 + Math.random() / 2);
    this.tries += 1;
    clearTimeout(this.again);
    this.again = setTimeout(() => this.go(), wait);
    this.queue.changed();
  }

  online() {
    if (this.state !== "cut") return;
    clearTimeout(this.again);
    this.go();
  }

  /* All bytes are there: what has become of them? */
  async ask(wait = 500) {
    clearTimeout(this.watchdog);
    if (this.over) return;
    this.sent = this.file.size;
    this.state = "scanning";
    this.part("bar").removeAttribute("value");
    this.part("cancel").hidden = true;
    this.text("scanning");
    this.queue.changed();
    try {
      const id = new URL(this.upload.url, location.href).pathname.split("/").pop();
      const headers = { "X-CSRF-Token": this.queue.form.dataset.csrf, Accept: "application/json" };
      const answer = await fetch(this.queue.form.dataset.status + id, { headers });
      if (answer.ok) {
        const upload = await answer.json();
        if (!UNDER_WAY.has(upload.state)) return this.verdict(upload);
      } else if (answer.status === 403) {
        return this.queue.stop((await answer.json()).detail);
      } else if (answer.status === 404 || answer.status === 410) {
        return this.end("bad", this.words.say("failed", { name: this.file.name }));
      }
    } catch {
      /* the line is cut: ask again */
    }
    setTimeout(() => this.ask(Math.min(10_000, wait * 1.5)), wait);
    return undefined;
  }

  verdict(upload) {
    if (upload.state === "available") return this.end("done", this.words.say("done_client", { name: this.file.name }));
    const message = upload.message || this.words.say("failed", { name: this.file.name });
    return this.end(upload.state === "unscannable" ? "kept" : "bad", message);
  }

  async cancel() {
    if (this.over) return;
    this.end("cancelled", this.words.say("cancelled", { name: this.file.name }));
    try {
      await this.upload?.abort(true); /* and tell the server */
    } catch {
      /* the sweeper finds it */
    }
  }

  end(state, message) {
    clearTimeout(this.watchdog);
    clearTimeout(this.again);
    this.state = state;
    this.row.classList.add(`job--${state}`);
    const icons = { done: "success", kept: "warning", bad: "danger", cancelled: "close" };
    this.part("icon").className = `kern-icon kern-icon--${icons[state]}`;
    this.part("bar").hidden = true;
    this.part("cancel").hidden = true;
    this.part("text").textContent = message;
    this.queue.ended(this, message);
  }
}

class Queue {
  constructor(form) {
    this.form = form;
    this.jobs = [];
    this.words = new Words(form.querySelector("[data-words]"));
    this.template = form.querySelector("template[data-row]");
    this.list = form.querySelector("[data-list]");
    this.box = form.querySelector("[data-queue]");
    this.clearButton = form.querySelector("[data-clear]");
    this.input = form.querySelector("input[type=file]");
    this.listen();
    this.take(); /* what was chosen before this script had come */
  }

  listen() {
    const drop = this.form.querySelector("[data-drop]");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.take();
    });
    this.input.addEventListener("change", () => this.take());
    for (const name of ["dragenter", "dragover"]) {
      drop.addEventListener(name, (event) => {
        event.preventDefault();
        drop.classList.add("is-over");
      });
    }
    for (const name of ["dragleave", "drop"]) {
      drop.addEventListener(name, () => drop.classList.remove("is-over"));
    }
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      this.add([...event.dataTransfer.files]);
    });
    /* A file dropped beside the zone must not replace the page. */
    for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());
    addEventListener("online", () => this.jobs.forEach((job) => job.online()));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.jobs.forEach((job) => job.online()); /* the lid is open again */
    });
    addEventListener("beforeunload", (event) => {
      if (this.jobs.some((job) => !job.over)) {
        event.preventDefault();
        event.returnValue = this.words.say("leave");
      }
    });
    this.clearButton.addEventListener("click", () => {
      this.jobs = [];
      this.list.replaceChildren();
      this.box.hidden = true;
      this.input.focus();
    });
  }

  take() {
    const files = [...this.input.files];
    this.input.value = "";
    this.add(files);
  }

  add(files) {
    if (!files.length) return;
    this.box.hidden = false;
    this.clearButton.hidden = true;
    for (const file of files) this.jobs.push(new Job(this, file));
    this.next();
  }

  next() {
    const running = this.jobs.filter((job) => ["running", "cut"].includes(job.state)).length;
    const waiting = this.jobs.filter((job) => job.state === "waiting");
    for (const job of waiting.slice(0, Math.max(0, PARALLEL - running))) job.start();
    this.changed();
  }

  changed() {
    if (!this.jobs.some((job) => job.state === "cut")) this.offline(null);
    const pending = this.jobs.some((job) => !job.over);
    if (!pending) return;
    this.title(this.words.say("total", { done: this.jobs.filter((job) => job.over).length, all: this.jobs.length }));
    if (this.jobs.some((job) => job.state === "waiting")) {
      const running = this.jobs.filter((job) => ["running", "cut"].includes(job.state)).length;
      if (running < PARALLEL) queueMicrotask(() => this.next());
    }
  }

  title(text) {
    const title = this.form.querySelector("[data-total]");
    if (title.textContent !== text) title.textContent = text;
  }

  /* Said once, however many files wait for the line. */
  offline(text) {
    if (text && !this.cut) this.say(text);
    this.cut = Boolean(text);
  }

  say(text) {
    this.form.querySelector("[data-say]").textContent = text;
  }

  ended(job, message) {
    this.say(message);
    this.next();
    if (this.jobs.some((other) => !other.over)) return;
    const done = this.jobs.filter((other) => other.state === "done").length;
    const attention = this.jobs.filter((other) => ["bad", "kept"].includes(other.state)).length;
    const sentences = [];
    if (done) sentences.push(this.words.say(done === 1 ? "all_one" : "all_many", { n: done }));
    else sentences.push(this.words.say("total_none"));
    if (attention && done) sentences.push(this.words.say("total_attention", { n: attention }));
    this.title(sentences.join(" "));
    this.clearButton.hidden = false;
    if (!attention) this.say(sentences.join(" "));
    this.reload();
  }

  /* Another account has signed in with this browser, or the page is too old: nothing goes on, and
   * each file says so. */
  stop(words) {
    for (const job of this.jobs.filter((one) => !one.over)) {
      job.upload?.abort();
      job.end("bad", words || job.words.say("failed", { name: job.file.name }));
    }
  }

  /* This page as it would be now; null when the line is cut, or it would be somebody else's. */
  async page() {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) return null;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const user = page.querySelector("form[data-upload]")?.dataset.user;
      return user === this.form.dataset.user ? page : null;
    } catch {
      return null;
    }
  }

  /* The list of documents, as the page would show it now. */
  async reload() {
    const [now, then] = [(await this.page())?.getElementById("documents"), document.getElementById("documents")];
    if (!now || !then) return;
    tables(now);
    then.replaceWith(document.adoptNode(now));
  }
}

export function start(form) {
  return new Queue(form);
}
