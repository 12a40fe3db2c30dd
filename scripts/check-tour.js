// Runs the README's tour as a reader would paste it, and checks what each line that talks to somebody answers.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const DEADLINE_MS = 60_000;

const EXPECTED = [
  "Who are you?",
  "The treasure room is open.",
  "The treasure room is open.",
  '"Accepted"',
  '"Unauthorized"',
];

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
const script = /<!-- tour -->\n```sh\n([\s\S]*?)```/.exec(readme)?.[1];
if (script === undefined) throw new Error("README.md has no tour");

// The tour makes a profile of capi: not among those of whoever runs this.
const home = await mkdtemp(join(tmpdir(), "membrane-tour-"));
const shell = spawn("bash", ["-c", script], {
  cwd: root,
  env: { ...process.env, HOME: home },
  stdio: ["ignore", "pipe", "inherit"],
  detached: true,
});
const deadline = setTimeout(() => killGroup("SIGKILL"), DEADLINE_MS);
/** @type {Buffer[]} */
const printed = [];
shell.stdout.on("data", (chunk) => printed.push(chunk));
const closed = once(shell, "close");
await once(shell, "exit");
// Without job control "kill %2" reaches npx alone, and not what it started: both are of the shell's group.
killGroup("SIGTERM");
await closed;
clearTimeout(deadline);
await rm(home, { recursive: true, force: true });

const output = Buffer.concat(printed).toString();
let at = 0;
for (const text of EXPECTED) {
  const found = output.indexOf(text, at);
  if (found === -1) {
    console.error(`${output}\nThe tour did not answer ${text} where it should.`);
    process.exit(1);
  }
  at = found + text.length;
}
console.log("The README's tour runs.");

/** @param {NodeJS.Signals} signal */
function killGroup(signal) {
  try {
    process.kill(-Number(shell.pid), signal);
  } catch {
    // Nobody is left.
  }
}
