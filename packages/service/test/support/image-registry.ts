import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { env } from "node:process";
import { request } from "undici";
import { freePort } from "../../../testkit/src/free-port.ts";

/**
 * Starts the reference implementation of a registry of images (Debian's `docker-registry`), with its files in a directory.
 *
 * @param users a file of Apache's `htpasswd` with bcrypt.
 */
export async function startImageRegistry(
  directory: string,
  users: string,
): Promise<AsyncDisposable & { readonly url: string }> {
  const port = await freePort();
  await writeFile(join(directory, "htpasswd"), users);
  const config = {
    version: "0.1",
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(directory, "images") } },
    auth: { htpasswd: { realm: "registry", path: join(directory, "htpasswd") } },
    http: { addr: `127.0.0.1:${port}` },
  };
  // JSON is YAML.
  await writeFile(join(directory, "config.yml"), JSON.stringify(config));
  const child = spawn("docker-registry", ["serve", join(directory, "config.yml")], {
    stdio: "ignore",
    env: { PATH: env["PATH"] },
  });
  const ended = once(child, "close");
  const url = `http://127.0.0.1:${port}/`;
  await Promise.race([
    untilReached(url),
    ended.then(() => {
      throw new Error("docker-registry did not start");
    }),
  ]);
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}

async function untilReached(url: string): Promise<void> {
  for (;;) {
    const response = await request(url).catch(() => undefined);
    if (response !== undefined) return response.body.dump();
    await setTimeout(20);
  }
}
