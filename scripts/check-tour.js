// Runs the README's tour as if a reader had pasted it, and checks the output of each line that sends a request.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
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

// A reader may have a profile with the tour's name, which must not change, and a service on the default port.
const home = await mkdtemp(join(tmpdir(), "membrane-tour-"));
const profiles = join(home, ".capability");
await mkdir(profiles, { mode: 0o700 });
const credentials = "profile: tour\nmembrane:\n  capabilities: {}\n";
await writeFile(join(profiles, "credentials"), credentials, { mode: 0o600 });
const taken = createServer()
  .listen(8443, "127.0.0.1")
  .on("error", () => undefined);
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
await closed;
clearTimeout(deadline);
taken.close();
const kept = await readFile(join(profiles, "credentials"), "utf8");
await rm(home, { recursive: true, force: true });

const output = Buffer.concat(printed).toString();
let at = 0;
for (const text of EXPECTED) {
  const found = output.indexOf(text, at);
  if (found === -1) {
    console.error(`${output}\nThe tour did not print ${text} where it should.`);
    process.exit(1);
  }
  at = found + text.length;
}
if (kept !== credentials) throw new Error("the tour changed a profile of the reader");
console.log("The README's tour runs.");

/** @param {NodeJS.Signals} signal */
function killGroup(signal) {
  try {
    process.kill(-Number(shell.pid), signal);
  } catch {
    // No process is left.
  }
}
