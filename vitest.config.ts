import { accessSync, constants, readdirSync, readFileSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { defineConfig } from "vitest/config";
import { fileDeadline } from "./scripts/file-deadline.ts";
import { LongestFirst } from "./scripts/longest-first.ts";
import { runningTests } from "./scripts/running-tests.ts";
import { workerEnd } from "./scripts/worker-end.ts";

const SERVICE = "packages/service/test";

/** The tests of HTTP and of attacks, which start a service in their process. */
const SHARED = `${SERVICE}/{conformance,security}/**/*.test.ts`;

/** What a power cut, a kill or a full disk leaves depends on the file system: these tests need a real disk. */
const CRASH = [`${SERVICE}/crash/**/*.test.ts`, `${SERVICE}/lifecycle/two-processes.test.ts`];

const IN_MEMORY = { TMPDIR: memoryDirectory() };

/** All rounds are in one file, and so is a soak of any length. */
const LONG_DEADLINE_MS = 2 * 3_600_000;

const LATE = project("late", inProcessTests(), { env: { ...IN_MEMORY, TEST_ENGINE: "late" } });

const SERVICE_POSTGRES = project("service-postgres", inProcessTests().filter(isOfAnyEngine), {
  env: { ...IN_MEMORY, TEST_ENGINE: "postgres" },
  isolate: false,
});

/** What clients and targets get from Node's server and undici's client, which are the reference for the service's own. */
const LIBRARIES = project(
  "libraries",
  [...inProcessTests(), "packages/service/src/egress/connection-pool.test.ts"],
  { env: { ...IN_MEMORY, MEMBRANE_HTTP_SERVER: "node", MEMBRANE_UPSTREAM_CLIENT: "undici" } },
);

/** The same where each head is read anew. */
const NO_MEMO = project("no-memo", inProcessTests(), { env: { ...IN_MEMORY, MEMBRANE_HEAD_MEMO: "false" } });

/** The tests of the engine over PostgreSQL, and those of operations and of attacks that run over every engine. */
const OVER_POSTGRES = [
  "packages/service/src/store/{postgres,operations}/**/*.test.ts",
  `${SERVICE}/security/{sealing,stolen-store}.test.ts`,
];

const DEBIAN_POSTGRES = project("debian-postgres", OVER_POSTGRES, {
  env: { ...IN_MEMORY, TEST_ENGINE: "postgres", TEST_POSTGRES: "debian" },
  isolate: false,
});

/** What a node does over a pooler, which carries out each transaction in another session. */
const OVER_POOLER = [
  "packages/service/src/store/operations/{create-store,sweep,expiry,list}.test.ts",
  "packages/service/src/store/postgres/{concurrent-writes,revocations/nodes}.test.ts",
];

const PGBOUNCER = project("pgbouncer", OVER_POOLER, {
  env: { ...IN_MEMORY, TEST_ENGINE: "postgres", TEST_POSTGRES: "pgbouncer" },
  isolate: false,
});

const RUNNING = runningTests();

export default defineConfig({
  test: {
    // Two test files at a time. No project has this option: it would override `--maxWorkers` of the command line.
    maxWorkers: 2,
    reporters: [
      "default",
      RUNNING,
      fileDeadline(
        RUNNING,
        process.argv.includes("faults") || process.argv.includes("soak") ? LONG_DEADLINE_MS : undefined,
      ),
      workerEnd(RUNNING),
    ],
    sequence: { sequencer: LongestFirst },
    projects: [
      // Loading the code takes longer than most of these tests, so their files share processes. Modules keep no state but caches.
      project("unit", ["packages/*/src/**/*.test.ts", "bench/**/*.test.ts"], {
        env: IN_MEMORY,
        isolate: false,
      }),
      project("service-shared", [SHARED], { env: IN_MEMORY, isolate: false }),
      project("service", [`${SERVICE}/**/*.test.ts`], {
        env: IN_MEMORY,
        exclude: [
          SHARED,
          ...CRASH,
          `${SERVICE}/{deploy,faults,fuzz,metrics,nginx,older,postgres,programs,soak}/**`,
        ],
      }),
      project("crash", CRASH),
      // Only when it is named: a run of one file would run it twice.
      ...(process.argv.includes("late") ? [LATE] : []),
      ...(process.argv.includes("libraries") ? [LIBRARIES] : []),
      ...(process.argv.includes("no-memo") ? [NO_MEMO] : []),
      ...(process.argv.includes("service-postgres") ? [SERVICE_POSTGRES] : []),
      ...(process.argv.includes("debian-postgres") ? [DEBIAN_POSTGRES] : []),
      ...(process.argv.includes("pgbouncer") ? [PGBOUNCER] : []),
      project("clients", ["packages/{protocol,sdk,cli}/test/**/*.test.ts", "examples/**/*.test.ts"], {
        env: IN_MEMORY,
      }),
      // Needs root, namespaces and systemd of Debian, which a machine may not have.
      project("deploy", [`${SERVICE}/deploy/**/*.test.ts`], { env: IN_MEMORY }),
      // Nodes that are stopped and killed, over a server that is.
      project("faults", [`${SERVICE}/faults/**/*.test.ts`], { env: IN_MEMORY }),
      project("fuzz", [`${SERVICE}/fuzz/**/*.test.ts`], { env: IN_MEMORY }),
      // Builds a commit of the history, with packages from the registry.
      project("older", [`${SERVICE}/older/**/*.test.ts`], { env: IN_MEMORY }),
      // Needs Prometheus of Debian, which a machine may not have.
      project("metrics", [`${SERVICE}/metrics/**/*.test.ts`], { env: IN_MEMORY }),
      // Needs nginx, which a machine may not have.
      project("nginx", [`${SERVICE}/nginx/**/*.test.ts`]),
      // Needs PostgreSQL and pgbouncer of Debian, which a machine may not have.
      project("postgres", [`${SERVICE}/postgres/**/*.test.ts`], { env: IN_MEMORY, isolate: false }),
      // Needs clients of Debian, which a machine may not have.
      project("programs", [`${SERVICE}/programs/**/*.test.ts`], { env: IN_MEMORY }),
      // Takes SOAK_MINUTES.
      project("soak", [`${SERVICE}/soak/**/*.test.ts`], { env: IN_MEMORY }),
    ],
  },
});

interface ProjectOptions {
  readonly env?: {
    readonly TMPDIR: string;
    readonly TEST_ENGINE?: string;
    readonly TEST_POSTGRES?: string;
    readonly MEMBRANE_HEAD_MEMO?: string;
    readonly MEMBRANE_HTTP_SERVER?: string;
    readonly MEMBRANE_UPSTREAM_CLIENT?: string;
  };
  readonly exclude?: readonly string[];
  /** Whether each file runs in its own process. */
  readonly isolate?: boolean;
}

function project(
  name: string,
  include: string[],
  { env = { TMPDIR: tmpdir() }, exclude = [], isolate = true }: ProjectOptions = {},
) {
  return {
    test: {
      name,
      include,
      env,
      isolate,
      exclude: ["**/dist/**", "**/node_modules/**", ...exclude],
      // With two processes at a time, bounds the memory of a run.
      execArgv: ["--max-old-space-size=1536"],
      testTimeout: 120_000,
      hookTimeout: 120_000,
      // A second, the default, is too short on a busy machine.
      expect: { poll: { timeout: 60_000 } },
    },
  };
}

/** The tests of a service in the process of the test, which can use another engine. */
function inProcessTests(): string[] {
  return ["lifecycle", "conformance", "security", "limits", "service-limits"]
    .flatMap((folder) => readdirSync(`${SERVICE}/${folder}`).map((name) => `${SERVICE}/${folder}/${name}`))
    .filter((path) => path.endsWith(".test.ts") && !CRASH.includes(path))
    .filter((path) => readFileSync(path, "utf8").includes("startTestService("));
}

/** Whether a test does not say that it is about LMDB: by the name of the engine, or with what reads its tables. */
function isOfAnyEngine(path: string): boolean {
  return !/openRawLmdb\(|engine: "lmdb"/.test(readFileSync(path, "utf8"));
}

/**
 * A directory whose files are in memory, so that tests that do not depend on the disk do not wait for its flushes; the usual
 * one where there is none with room.
 */
function memoryDirectory(): string {
  const path = "/dev/shm";
  try {
    accessSync(path, constants.W_OK);
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize > 4 * 1024 ** 3 ? path : tmpdir();
  } catch {
    return tmpdir();
  }
}
