import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";

const PROGRAM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

const QUIET = [
  ["--headless", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run"],
  ["--disable-background-networking", "--disable-component-update", "--disable-sync"],
  // Chromium's sandbox does not run as root, and the only page that it opens is our own.
  ["--no-sandbox"],
].flat();

/**
 * Opens a page in a Chromium with a new profile, in which only the service's name is resolved.
 *
 * @param {{ directory: string, url: string, authority: string, service: { port: number, publicKeyHash: string } }} options
 * @returns {Promise<{ failed: Promise<never>, end: () => Promise<void> }>} `failed` rejects when it ends before `end` was called.
 */
export async function startChromium({ directory, url, authority, service }) {
  await access(PROGRAM, constants.X_OK).catch(() => {
    throw new Error(
      `${PROGRAM} is missing: install chromium (apt-get install chromium), or name it in CHROMIUM`,
    );
  });
  const words = [
    `--user-data-dir=${join(directory, "chromium")}`,
    `--host-resolver-rules=MAP ${authority}:443 127.0.0.1:${service.port}`,
    // Trusts this certificate, whichever CA signed it; any other is verified as usual.
    `--ignore-certificate-errors-spki-list=${service.publicKeyHash}`,
    url,
  ];
  const chromium = spawn(PROGRAM, [...QUIET, ...words], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, HOME: directory },
    // A separate process group, so that all its child processes end with it.
    detached: true,
  });
  /** @type {Buffer[]} */
  const said = [];
  chromium.stderr.on("data", (chunk) => said.push(chunk));
  const closed = once(chromium, "close");
  const failed = closed.then(() => {
    throw new Error(`${PROGRAM} ended: ${Buffer.concat(said).toString()}`);
  });
  failed.catch(() => {});
  return {
    failed,
    async end() {
      killGroup(chromium.pid);
      await closed;
    },
  };
}

/** @param {number | undefined} pid of the group's leader. */
function killGroup(pid) {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // No process is left.
  }
}
