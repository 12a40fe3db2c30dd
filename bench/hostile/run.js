// `npm run bench:hostile [-- WORD]`: how one tenant's attacks affect another tenant. A service with a heap of 1 GB is attacked while
// another tenant sends a steady load, whose p99 is compared with that without an attack in the same run. Only the ratio counts. If
// the quiet stretches before and after an attack differ, the machine was too noisy for a result. Exits with 1 when a goal is missed
// or the service ended.
import { endAll, endOf, endProgram } from "../gateways/start.js";
import { attackOnce } from "./attack-once.js";
import { ATTACKS } from "./attacks.js";
import { MEASURES } from "./measures.js";
import { unavailableReason } from "./service-environments.js";
import { evaluate, rowOf } from "./report.js";
import { startTargets } from "./targets.js";
import { startScenario } from "./scenario.js";

const [word = ""] = process.argv.slice(2);
const chosen = ATTACKS.filter(({ name }) => name.includes(word));
if (chosen.length === 0) throw new TypeError(`no attack has "${word}" in its name`);
for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, () => void endAll().then(() => process.exit(1)));

/** @type {import("./scenario.js").Scenario | undefined} */
let scenario;
/** @type {number | undefined} */
let quiet;
const report = [];
let isMissed = false;
try {
  const targets = await startTargets();
  for (const attack of chosen) {
    const where = attack.where ?? "ordinary";
    const why = await unavailableReason(where);
    if (why !== undefined) {
      console.log(`${attack.name}: skipped; ${why}.`);
      continue;
    }
    if (scenario?.where !== where || endOf(scenario.service) !== undefined) {
      if (scenario !== undefined) await endProgram(scenario.service);
      scenario = await startScenario(where, targets);
      // The first stretch warms up, and does not count.
      await (
        await MEASURES.invocations(scenario)
      )();
      quiet = undefined;
    }
    const findings = await attackOnce(attack, scenario, quiet);
    quiet = attack.measured === undefined ? findings.p99.after : undefined;
    isMissed ||= evaluate(findings).isMissed;
    report.push(rowOf(attack.name, findings));
    show(report.slice(-1));
  }
  console.log();
  show(report);
  console.log(isMissed ? "A goal was missed." : "No goal was missed.");
} catch (error) {
  isMissed = true;
  console.error(error);
} finally {
  await endAll();
  process.exit(isMissed ? 1 : 0);
}

/** @param {readonly import("./report.js").Row[]} rows */
function show(rows) {
  for (const { attack, achieved, ...figures } of rows) {
    console.log(`${attack}: ${achieved}`);
    console.log(
      `  ${Object.entries(figures)
        .map(([what, figure]) => `${what} ${figure}`)
        .join(" · ")}`,
    );
  }
}
