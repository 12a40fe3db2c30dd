// `node bench/early-responses.js [ROUNDS]`: how many early responses do not reach the client. A target responds to a PUT of 20 MB
// early and closes with the body unread. The client sends it directly, through nginx if it is installed, and through the service.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { initStore, createMembrane, exportThrough, serve } from "./gateways/membrane.js";
import { startNginx } from "./gateways/rivals.js";
import { directory, endAll, run, startProgram } from "./gateways/start.js";

const rounds = Number(process.argv[2] ?? 200);
const body = join(directory, "body");

try {
  await writeFile(body, Buffer.alloc(20 * 1024 * 1024, "x"));
  const file = fileURLToPath(new URL("gateways/early-target.js", import.meta.url));
  const target = await startProgram("none", [file]);
  const nginx = await startNginx(target.port);
  const store = await initStore();
  const service = await serve(store);
  const membrane = await createMembrane(service, store.create, "early");
  const token = await exportThrough(service, membrane.export, { uri: target.url, method: "PUT" });
  const report = [];
  for (const gateway of [target, ...(nginx === undefined ? [] : [nginx]), { ...service, token }]) {
    /** @type {Record<string, number>} */
    const statuses = {};
    for (let round = 0; round < rounds; round += 1) {
      const status = await put(gateway, body);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    report.push({ gateway: gateway.name, rounds, lost: rounds - (statuses["413"] ?? 0), ...statuses });
  }
  console.table(report);
} finally {
  await endAll();
}

/**
 * Sends a PUT with curl, which continues to read when it can no longer send.
 *
 * @param {{ url: string, token: string }} gateway
 * @param {string} file
 * @returns {Promise<string>} the status, 000 if there is none
 */
async function put({ url, token }, file) {
  const headers = ["-H", `Authorization: Bearer ${token}`, "-H", "Expect:"];
  const words = [
    "-s",
    "-o",
    "/dev/null",
    "-w",
    "%{http_code}",
    "-X",
    "PUT",
    "--data-binary",
    `@${file}`,
    ...headers,
    url,
  ];
  // curl fails when a write fails, and has printed the status by then.
  const { stdout } = await run("curl", words).catch((error) => error);
  return stdout;
}
