// Fills a store with exported capabilities, all through one membrane, with the service's code but many in a transaction: one by one
// over HTTP, a million would take an hour. Reads {data, export, count, uri, tokens} as JSON from standard input and writes one token
// in KEPT_EVERY to the file `tokens`.
import { randomBytes } from "node:crypto";
import { open } from "node:fs/promises";
import { json } from "node:stream/consumers";
import { parseAuthority, parseExportRequest, parseToken } from "capability-protocol";
import { openDataDirectory } from "../../packages/service/dist/commands/data-directory.js";
import { DEFAULT_LIMITS } from "../../packages/service/dist/service-limits.js";
import { contentOf } from "../../packages/service/dist/domain/target.js";
import { createVault } from "../../packages/service/dist/store/vault.js";
import { KEY_BYTES } from "../../packages/service/dist/store/seal.js";
import { sealTarget } from "../../packages/service/dist/store/target-seal.js";

const BATCH = 1_000;
/** A batch is one write that takes as long as hundreds of others. */
const STORE_WRITE_TIMEOUT_MS = 600_000;
const KEPT_EVERY = 10;
/** Random bytes that are drawn at once: a call for each few bytes would take a third of the time. */
const RANDOM_POOL_BYTES = 1024 * 1024;

let randomPool = randomBytes(RANDOM_POOL_BYTES);

/** @type {any} */
const { data: directory, export: exporting, count, uri, tokens } = await json(process.stdin);
const authority = parseAuthority("bench.test");
const token = parseToken(exporting);
if (authority === undefined || token === undefined) throw new TypeError("no export capability was given");
const limits = { ...DEFAULT_LIMITS, storeWriteTimeoutMs: STORE_WRITE_TIMEOUT_MS };
const { store, keys } = await openDataDirectory({ data: directory, authority, limits });
const vault = createVault(store, keys, random);
const opened = await vault.open(token);
if (opened?.capability.resource === undefined) throw new TypeError("the export capability does not work");
const { uid: createdBy, resource: membrane } = opened.capability;
const request = parseExportRequest({ uri });
if (!request.ok) throw new TypeError("the URI is not that of a target");
const content = contentOf(request.value);

const file = await open(tokens, "w");
for (let made = 0; made < count; made += BATCH) {
  const records = [];
  const lines = [];
  for (let i = made; i < Math.min(made + BATCH, count); i += 1) {
    const target = /** @type {const} */ ({
      type: "target",
      uid: vault.newUid(),
      membrane,
      createdBy,
    });
    const dataKey = random(KEY_BYTES);
    const minted = vault.mint({ kind: "invoke", resource: target.uid, membrane, createdBy }, dataKey);
    records.push(sealTarget(target, content, dataKey), minted.record);
    if (i % KEPT_EVERY === 0) lines.push(`${minted.token}\n`);
  }
  const created = await store.create(records);
  if (!created.ok) throw new Error(`the creation was denied: ${created.error.reason}`);
  await file.write(lines.join(""));
}
await file.close();
await store.close();

/** @param {number} size */
function random(size) {
  if (randomPool.length < size) randomPool = randomBytes(RANDOM_POOL_BYTES);
  const taken = randomPool.subarray(0, size);
  randomPool = randomPool.subarray(size);
  return taken;
}
