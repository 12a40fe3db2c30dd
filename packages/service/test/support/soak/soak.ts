import { readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent } from "undici";
import { tokenOf } from "../../../../testkit/src/client.ts";
import { firstTokens } from "../../../../testkit/src/data-directory.ts";
import { freePort } from "../../../../testkit/src/free-port.ts";
import { metricsAddress } from "../../../../testkit/src/metrics.ts";
import type { ServiceProcess } from "../../../../testkit/src/process.ts";
import { runMembrane, spawnMembrane } from "../../../../testkit/src/process.ts";
import { UNLIMITED } from "../../../../testkit/src/service.ts";
import { temporaryDirectory } from "../../../../testkit/src/temporary-directory.ts";
import { ACTIVITIES } from "./activities.ts";
import { hostileActivity } from "./hostile-activities.ts";
import type { SoakedProcess, SoakSamples } from "./process-samples.ts";
import { findProcesses, sampleUntil, untilAtRest } from "./process-samples.ts";
import type { Activity, SoakContext } from "./soak-context.ts";
import { expectFrom } from "./soak-context.ts";
import { startSoakTargets } from "./soak-targets.ts";

const WORKERS = 2;

/** Heaps that are collected while the soak runs, in megabytes: V8 lets both generations grow for long where there is room. */
const HEAP_OPTIONS = "--max-old-space-size=128 --max-semi-space-size=2";

/** So small that the cache is full before the samples begin. */
const CACHE_ENTRIES = 500;

const AUDITED_SHARE = 0.1;

/** How long a client waits after it met what it should not, in milliseconds. */
const FAILURE_PAUSE_MS = 1_000;

export interface Soak extends SoakSamples {
  readonly processes: readonly SoakedProcess[];
  /** What clients did, and how often. */
  readonly counts: ReadonlyMap<string, number>;
  /** What clients met that they should not. */
  readonly failures: readonly string[];
  /** The lines of the log that are warnings, by what they say, and those that are errors. */
  readonly complaints: ReadonlyMap<string, number>;
  /** Gauges that should be zero when no client is left. */
  readonly gaugesAtTheEnd: Readonly<Record<string, number | undefined>>;
  /** How many membranes were revoked: their records stay. */
  readonly revoked: number;
}

/** Uses a service with everything that it has, for a time. */
export async function soak(minutes: number): Promise<Soak> {
  await using targets = await startSoakTargets();
  await using directory = await temporaryDirectory();
  const data = join(directory.path, "data");
  const port = await freePort();
  const authority = `127.0.0.1:${port}`;
  const audit = join(directory.path, "audit.log");
  const metrics = await metricsAddress();
  await using service = await spawnMembrane(
    ["serve", "--data", data, "--listen", `127.0.0.1:${port}`, "--authority", authority].concat(
      [
        "--workers",
        String(WORKERS),
        "--allow-target",
        "127.0.0.0/8",
        "--cache-entries",
        String(CACHE_ENTRIES),
      ],
      // All writers wait for one disk: on a busy machine longer than the default.
      ["--store-write-timeout-ms", "60000", "--max-auth-failures-per-minute", String(UNLIMITED)],
      ["--upstream-pool-idle-ms", "2000"],
      ["--audit", audit, "--audit-invocations", String(AUDITED_SHARE)],
      metrics.flags,
    ),
    { NODE_OPTIONS: HEAP_OPTIONS },
  );
  const ca = await readFile(join(data, "tls", "ca.pem"), "utf8");
  const counts = new Map<string, number>();
  const dispatcher = new Agent({ connect: { ca }, connections: 64 });
  const base = {
    url: `https://${authority}`,
    port,
    authority,
    ca,
    dispatcher,
    tokens: await firstTokens(data),
    targets,
    count: (name: string) => void counts.set(name, (counts.get(name) ?? 0) + 1),
  };
  const [delegate, large] = await prepare({ ...base, delegate: "" });
  const context: SoakContext = { ...base, delegate };
  const processes = await findProcesses(service, WORKERS);
  const end = performance.now() + minutes * 60_000;
  const isOver = (): boolean => performance.now() > end;
  const failures: string[] = [];
  const storeFile = join(data, "store", "data.mdb");
  const sampling = sampleUntil(isOver, processes, metrics, storeFile);
  const clients = [...ACTIVITIES, ["hostile", hostileActivity(large), 3] as const].flatMap(
    ([name, activity, clientsOfIt]) =>
      Array.from({ length: clientsOfIt }, (_, number) =>
        repeat(isOver, context, `${name} ${number}`, activity, failures),
      ),
  );
  const backups = backUpUntil(isOver, data, minutes, counts);
  const rotations = rotateAuditUntil(isOver, service, audit, minutes);
  const [auditFiles] = await Promise.all([rotations, backups, ...clients]);
  const samples = await sampling;
  await dispatcher.close();
  const gaugesAtTheEnd = await untilAtRest(metrics, processes);
  const { code, signal } = await service.end("SIGTERM");
  if (code !== 0) failures.push(`the service ended with ${code ?? signal}`);
  const verified = await runMembrane(["audit", "verify", "--data", data, ...auditFiles]);
  if (verified.code !== 0)
    failures.push(`the audit trail is not whole: ${verified.stdout}${verified.stderr}`);
  return {
    processes,
    ...samples,
    counts,
    failures,
    complaints: complaintsOf(service),
    gaugesAtTheEnd,
    revoked: counts.get("202") ?? 0,
  };
}

/** @returns the `export` of a membrane, and a capability with a large response. */
async function prepare(context: SoakContext): Promise<readonly [string, string]> {
  const { json } = await expectFrom(context, context.tokens.create, 201, { body: { id: "kept" } });
  const exporting = tokenOf(json.capabilities.export);
  const body = { uri: `${context.targets.http}large` };
  const large = await expectFrom(context, exporting, 201, { body });
  return [exporting, tokenOf(large.json.capability)];
}

async function repeat(
  isOver: () => boolean,
  context: SoakContext,
  name: string,
  activity: Activity,
  failures: string[],
): Promise<void> {
  for (let turn = 0; !isOver(); turn += 1) {
    await activity(context, `${name} ${turn}`, turn).catch((error: unknown) => {
      failures.push(`${name} ${turn}: ${String(error)}`);
      return sleep(FAILURE_PAUSE_MS);
    });
  }
}

/** How many backups a soak has. */
const BACKUPS = 10;

async function backUpUntil(
  isOver: () => boolean,
  data: string,
  minutes: number,
  counts: Map<string, number>,
): Promise<void> {
  const directory = `${data}-backup`;
  for (let made = 0; made < BACKUPS && !isOver(); made += 1) {
    const { code, stderr } = await runMembrane(["backup", directory, "--data", data]);
    if (code !== 0) throw new Error(`the backup failed: ${stderr}`);
    counts.set("backup", made + 1);
    await rm(directory, { recursive: true });
    await sleep((minutes * 60_000) / BACKUPS / 2);
  }
}

/** How many files an audit trail has. */
const AUDIT_FILES = 5;

/** Has the service write its audit trail to another file now and then. @returns all of its files. */
async function rotateAuditUntil(
  isOver: () => boolean,
  service: ServiceProcess,
  file: string,
  minutes: number,
): Promise<readonly string[]> {
  const files = [file];
  for (let made = 1; made < AUDIT_FILES; made += 1) {
    await sleep((minutes * 60_000) / AUDIT_FILES);
    if (isOver()) break;
    const older = `${file}.${made}`;
    await rename(file, older);
    files.push(older);
    process.kill(service.pid, "SIGHUP");
  }
  return files;
}

function complaintsOf(service: ServiceProcess): ReadonlyMap<string, number> {
  const complaints = new Map<string, number>();
  for (const line of service.logged()) {
    const { level, msg } = line;
    if (level === undefined || level === "info") continue;
    const text = level === "error" ? JSON.stringify(line) : `${level}: ${msg}`;
    complaints.set(text, (complaints.get(text) ?? 0) + 1);
  }
  return complaints;
}
