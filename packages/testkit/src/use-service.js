// Uses a service as its tenants do: node use-service.js make|use|revoke FILE. `make` reads what `membrane tenant create --json` prints,
// exports a request to an API that this program serves, and keeps in FILE what the others need. All print the status of an invocation.
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { fetch, Membrane } from "capability-sdk";

const PORT = 8089;
const KEY = "the-key-of-the-api";

const [, , action, file = ""] = process.argv;
const api = createServer((request, response) => {
  response.writeHead(request.headers["x-api-key"] === KEY ? 200 : 403).end();
}).listen(PORT, "127.0.0.1");
await once(api, "listening");
const membrane = new Membrane();
if (action === "make") {
  /** @type {{ capabilities: { create: string } }} */
  const tenant = JSON.parse(readFileSync(0, "utf8"));
  const { capabilities } = await membrane.create(tenant.capabilities.create, { id: "kept" });
  const target = { uri: `http://127.0.0.1:${PORT}/`, headers: { "X-Api-Key": KEY } };
  const { capability } = await membrane.export(capabilities.export, target);
  writeFileSync(file, JSON.stringify({ capability, revoke: capabilities.revoke }), { mode: 0o600 });
}
/** @type {{ capability: string, revoke: string }} */
const { capability, revoke } = JSON.parse(readFileSync(file, "utf8"));
if (action === "revoke") await membrane.revoke(revoke);
const response = await fetch(capability);
await response.arrayBuffer();
process.stdout.write(`${response.status}\n`);
api.close();
