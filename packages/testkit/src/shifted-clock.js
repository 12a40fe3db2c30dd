// Preloaded into a process with `node --import`: on SIGUSR2, its time of day is moved by the milliseconds in the file that the
// variable SHIFTED_CLOCK names, as when the clock of the machine is set.
import { readFileSync } from "node:fs";

let shift = 0;

globalThis.Date = new Proxy(Date, {
  construct: (real, args, target) =>
    Reflect.construct(real, args.length === 0 ? [real.now() + shift] : args, target),
  get: (real, name) => (name === "now" ? () => real.now() + shift : Reflect.get(real, name)),
});

process.on("SIGUSR2", () => {
  shift = Number(readFileSync(process.env["SHIFTED_CLOCK"] ?? "", "utf8"));
});
