import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";

const PROGRAM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

const QUIET = [
  ["--headless", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run"],
  ["--disable-background-networking", "--disable-component-update", "--disable-sync"],
  // Its sandbox does not run as root, and the only page that it opens is ours.
  ["--no-sandbox"],
].flat();

/**
 * Opens a page in a Chromium with a profile of its own, and nothing but the service behind the service's name.
 *
 * @param {{ directory: string, url: string, authority: string, service: { port: number, publicKeyHash: string } }} options
 * @returns {Promise<{ failed: Promise<never>, end: () => Promise<void> }>} `failed` rejects when it ends by itself.
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
    // Trusts this one certificate, whichever CA signed it; any other is verified as usual.
    `--ignore-certificate-errors-spki-list=${service.publicKeyHash}`,
    url,
  ];
  const chromium = spawn(PROGRAM, [...QUIET, ...words], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, HOME: directory },
    // A process group of its own: all that it starts ends with it.
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
