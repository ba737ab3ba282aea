/* The live password check: zxcvbn with German words and the person's and the firm's own names. The
 * server decides; this only helps while typing. Words come from the page. */
import { ZxcvbnFactory } from "@zxcvbn-ts/core";
import { adjacencyGraphs, dictionary as common } from "@zxcvbn-ts/language-common";
import commonWords from "@zxcvbn-ts/language-de/src/commonWords.json";
import firstnames from "@zxcvbn-ts/language-de/src/firstnames.json";
import lastnames from "@zxcvbn-ts/language-de/src/lastnames.json";

const ADVICE = {
  "advice.own": ["userInputs"],
  "advice.common": ["topTen", "topHundred", "common", "similarToCommon", "pwned"],
  "advice.names": ["namesByThemselves", "commonNames"],
  "advice.word": ["wordByItself"],
  "advice.keyboard": ["straightRow", "keyPattern"],
  "advice.repeat": ["simpleRepeat", "extendedRepeat"],
  "advice.sequence": ["sequences"],
  "advice.date": ["recentYears", "dates"],
};
const GOOD = 3;

const checker = new ZxcvbnFactory({
  dictionary: { ...common, commonWords, firstnames, lastnames },
  graphs: adjacencyGraphs,
  maxLength: 128,
});

/* Key of the advice that helps most. */
function advice(result) {
  if (result.score >= GOOD) return "advice.good";
  const own = result.sequence.some((match) => match.dictionaryName === "userInputs");
  const warning = own ? "userInputs" : result.feedback.warning;
  const found = Object.entries(ADVICE).find(([, warnings]) => warnings.includes(warning));
  return found ? found[0] : "advice.longer";
}

function start(root) {
  const texts = {};
  for (const term of root.querySelectorAll("[data-words-list] dt")) {
    texts[term.textContent] = term.nextElementSibling.textContent;
  }
  const own = root.dataset.words.split(/\s+/).filter((word) => word.length > 2);
  const input = root.querySelector("input[name=password]");
  const box = root.querySelector("[data-meter]");
  const meter = box.querySelector("meter");
  let timer;

  function show() {
    box.hidden = input.value === "";
    if (box.hidden) return;
    const user = document.querySelector("input[autocomplete=username]")?.value;
    const result = checker.check(input.value, user ? [...own, user] : own);
    const verdict = texts[`strength.${result.score}`];
    meter.value = Math.max(result.score, 0.5);
    meter.textContent = verdict;
    meter.setAttribute("aria-valuetext", verdict);
    box.querySelector("[data-verdict]").textContent = verdict;
    box.querySelector("[data-advice]").textContent = texts[advice(result)];
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, 150);
  });
  if (input.value) show();
}

document.querySelectorAll("[data-strength]").forEach(start);
