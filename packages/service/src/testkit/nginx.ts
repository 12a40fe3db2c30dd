import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { getuid } from "node:process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./free-port.ts";
import { temporaryDirectory } from "./directory.ts";
import type { TestCertificate } from "./tls-target.ts";

const EXAMPLE = fileURLToPath(new URL("../../../../examples/nginx/nginx.conf", import.meta.url));

/** nginx in front of a service. */
export interface Front extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** What it wrote into its log of errors. */
  errors(): Promise<string>;
}

/** How often, and how long, nginx is looked for while it starts, in milliseconds. */
const LOOKS = 100;
const LOOK_MS = 50;

/**
 * Starts nginx with the configuration of `examples/nginx`, in which only places are replaced: ports, and files.
 *
 * @param change for tests of what an operator adds; it must change something.
 */
export async function startFront(
  service: { readonly port: number },
  certificate: TestCertificate,
  change: (configuration: string, prefix: string) => string = (same) => same,
): Promise<Front> {
  const directory = await temporaryDirectory();
  const prefix = directory.path;
  const port = await freePort();
  await writeFile(join(prefix, "cert.pem"), certificate.cert);
  await writeFile(join(prefix, "key.pem"), certificate.key);
  const places: readonly (readonly [string, string])[] = [
    ["server 127.0.0.1:8443;", `server 127.0.0.1:${service.port};`],
    ["listen 443 ssl;", `listen 127.0.0.1:${port} ssl;`],
    ["/etc/ssl/capabilities.example.com.pem", join(prefix, "cert.pem")],
    ["/etc/ssl/private/capabilities.example.com.key", join(prefix, "key.pem")],
    ["http {\n", `http {\n${temporaryPaths(prefix)}`],
  ];
  const example = places.reduce(replaceOnce, await readFile(EXAMPLE, "utf8"));
  const file = join(prefix, "nginx.conf");
  await writeFile(file, change(example, prefix));
  const log = join(prefix, "error.log");
  // Started by root, its workers would be somebody else, to whom the prefix is closed.
  const user = getuid?.() === 0 ? "user root; " : "";
  const globals = `daemon off; pid ${join(prefix, "nginx.pid")}; ${user}`;
  const child = spawn("nginx", ["-p", prefix, "-e", log, "-c", file, "-g", globals], { stdio: "inherit" });
  const ended = once(child, "exit").then(() => true);
  await once(child, "spawn");
  for (let look = 0; look < LOOKS && !(await isOpen(port)); look += 1) {
    if (child.exitCode !== null) throw new Error(`nginx did not start: ${await readFile(log, "utf8")}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    errors: () => readFile(log, "utf8"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
      await directory[Symbol.asyncDispose]();
    },
  };
}

function replaceOnce(text: string, [from, to]: readonly [string, string]): string {
  if (text.split(from).length !== 2) throw new Error(`the example does not say once: ${from}`);
  return text.replace(from, to);
}

/** Where nginx puts what it cannot hold: it makes these directories at its start, whatever it needs them for. */
function temporaryPaths(prefix: string): string {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return kinds
    .map((kind) => `  ${kind}_temp_path ${join(prefix, kind)};\n`)
    .join("")
    .concat("  access_log off;\n");
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
