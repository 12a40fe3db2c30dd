import { spawn } from "node:child_process";
import { once } from "node:events";
import { watch } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Agent } from "undici";
import { temporaryDirectory } from "./temporary-directory.ts";
import { freePort } from "./free-port.ts";
import { makeCertificate } from "./tls-target.ts";

const EXAMPLE = new URL("../../../examples/nginx/nginx.conf", import.meta.url);

/** The values in the example that an operator replaces. */
const NAME = "membrane.example";
const CERTIFICATES = `/etc/letsencrypt/live/${NAME}`;

/** A separate nginx with a certificate for `127.0.0.1` from a private CA. It is stopped by its process id. */
export interface TestNginx extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** The CA that issued its certificate, PEM. */
  readonly ca: string;
  /** An agent that trusts the CA. */
  readonly agent: Agent;
  /** Reads both of its logs. */
  logged(): Promise<string>;
}

/**
 * Starts nginx with the example's configuration in front of a port on loopback. It listens on 127.0.0.1 for IPv4 and on 127.0.0.2
 * in place of IPv6, which not every machine has.
 *
 * @param edit changes of an operator other than names, paths and ports.
 */
export async function startNginx(
  upstream: number,
  edit: (configuration: string, prefix: string) => string = (configuration) => configuration,
): Promise<TestNginx> {
  const directory = await temporaryDirectory();
  const { path } = directory;
  // The workers run as another user.
  await chmod(path, 0o755);
  const [certificate, port] = [await makeCertificate("127.0.0.1", "127.0.0.2"), await freePort()];
  const files = {
    "nginx.conf": edit(replaceAll(await readFile(EXAMPLE, "utf8"), path, port, upstream), path),
    "fullchain.pem": certificate.cert,
    "privkey.pem": certificate.key,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text, { mode: 0o600 });

  // nginx writes its process id once it listens.
  const watcher = watch(path);
  const listening = new Promise<void>((resolve) => {
    watcher.on("change", (_kind, name) => {
      if (name === "nginx.pid") resolve();
    });
  });
  const args = ["-p", path, "-c", join(path, "nginx.conf"), "-e", "stderr", "-g", "daemon off;"];
  const child = spawn("nginx", args, { stdio: ["ignore", "ignore", "pipe"] });
  const output: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => output.push(chunk));
  const ended = once(child, "close");
  const failed = ended.then(() => {
    throw new Error(`nginx ended: ${Buffer.concat(output).toString()}`);
  });
  await Promise.race([listening, failed]).finally(() => watcher.close());
  failed.catch(() => undefined);
  const agent = new Agent({ connect: { ca: certificate.ca } });
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    ca: certificate.ca,
    agent,
    async logged() {
      const logs = ["access.log", "error.log"].map((name) => readFile(join(path, name), "utf8"));
      return (await Promise.all(logs)).join("") + Buffer.concat(output).toString();
    },
    async [Symbol.asyncDispose]() {
      await agent.destroy();
      child.kill("SIGTERM");
      await ended;
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** @throws Error if the example no longer has a text that is replaced here, since another configuration would be tested. */
function replaceAll(example: string, path: string, port: number, upstream: number): string {
  const replaced: readonly (readonly [string, string])[] = [
    ["/run/nginx.pid", join(path, "nginx.pid")],
    ["/var/log/nginx", path],
    [CERTIFICATES, path],
    ["listen 443 ", `listen 127.0.0.1:${port} `],
    ["listen [::]:443 ", `listen 127.0.0.2:${port} `],
    ["server 127.0.0.1:8443;", `server 127.0.0.1:${upstream};`],
  ];
  return replaced.reduce((text, [from, to]) => replaceIn(text, from, to), example);
}

/** Replaces a text that must exist. */
export function replaceIn(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`examples/nginx/nginx.conf does not have: ${from}`);
  return text.replaceAll(from, to);
}
