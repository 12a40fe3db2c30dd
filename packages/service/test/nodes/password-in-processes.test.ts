import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runMembrane, spawnService } from "../../../testkit/src/process.ts";
import type { Relay } from "../../../testkit/src/relay.ts";
import { startRelay } from "../../../testkit/src/relay.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import type { TestDatabase } from "../../../testkit/src/test-database.ts";
import { createTestDatabase, databaseAt, LEASE_FLAGS } from "../../../testkit/src/test-database.ts";

interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly commandLine: string;
  readonly environment: string;
}

/** All processes of the machine of which this one may read both. */
async function runningProcesses(): Promise<RunningProcess[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const read = async (pid: string): Promise<RunningProcess[]> => {
    const [commandLine, environment, status] = await Promise.all(
      ["cmdline", "environ", "status"].map((name) => readFile(`/proc/${pid}/${name}`, "utf8")),
    );
    const parent = Number(/^PPid:\t(\d+)$/m.exec(status!)![1]);
    return [{ pid: Number(pid), parent, commandLine: commandLine!, environment: environment! }];
  };
  // One may end meanwhile, or be another user's.
  return (await Promise.all(pids.map((pid) => read(pid).catch(() => [])))).flat();
}

/** Where the password is while programs run on a data directory. */
async function whereabouts(data: string, password: string) {
  const all = await runningProcesses();
  const own = new Set(all.filter(({ commandLine }) => commandLine.includes(data)).map(({ pid }) => pid));
  return {
    programs: own.size,
    /** What they have started besides themselves. */
    otherChildren: all.filter(({ pid, parent }) => own.has(parent) && !own.has(pid)).length,
    commandLines: all.filter(({ commandLine }) => commandLine.includes(password)).length,
    environmentsOfPrograms: all.filter(
      ({ pid, environment }) => own.has(pid) && environment.includes(password),
    ).length,
    otherEnvironments: all.filter(({ pid, environment }) => !own.has(pid) && environment.includes(password))
      .length,
  };
}

/** Runs `look` while a command of the program connects to its database. */
async function whileConnecting<T>(
  relay: Relay,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  look: () => Promise<T>,
): Promise<T> {
  const held = relay.hold("application_name");
  const ended = runMembrane(args, env);
  const { pass } = await Promise.race([
    held,
    ended.then(({ stderr }) => Promise.reject(new Error(`it did not connect: ${stderr}`))),
  ]);
  const seen = await look();
  pass();
  expect(await ended).toMatchObject({ code: 0 });
  return seen;
}

interface Given {
  readonly url: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** The ways to give a password. */
const WAYS: Readonly<Record<string, (at: TestDatabase, file: string) => Given>> = {
  "in the URL of a variable": ({ url, env }) => ({
    url: url.replace("@", `:${env.PGPASSWORD}@`),
    variables: {},
  }),
  "in PGPASSWORD": ({ url, env }) => ({ url, variables: env }),
  "in the file of PGPASSFILE": ({ url }, file) => ({ url, variables: { PGPASSFILE: file } }),
};

test.each(Object.keys(WAYS))(
  "a database's password that is given %s is in no command line, and in no environment but those that had it from the operator",
  async (way) => {
    await using directory = await temporaryDirectory();
    const { config } = await createTestDatabase();
    const password = config.password!;
    await using relay = await startRelay(config.port);
    const file = join(directory.path, "pgpass");
    await writeFile(file, `*:*:*:*:${password}\n`, { mode: 0o600 });
    const { url, variables } = WAYS[way]!(databaseAt(config, relay.port), file);
    const env = { ...variables, MEMBRANE_STORE: url };
    const data = join(directory.path, "data");
    const look = () => whereabouts(data, password);
    const isInVariable = Object.values(env).some((value) => value.includes(password));
    /** Each of this many processes connects by itself, and so has what the operator gave. */
    const expected = (programs: number) => ({
      programs,
      otherChildren: 0,
      commandLines: 0,
      environmentsOfPrograms: isInVariable ? programs : 0,
      otherEnvironments: 0,
    });

    expect((await runMembrane(["init", "--data", data])).code).toBe(0);
    const migrate = ["migrate", "--from", `lmdb:${data}`];
    expect(await whileConnecting(relay, migrate, { ...variables, MEMBRANE_TO: url }, look)).toEqual(
      expected(1),
    );
    await using _service = await spawnService(data, { flags: [...LEASE_FLAGS, "--workers", "2"], env });
    expect(await look()).toEqual(expected(3));
    const address = ["--listen", "127.0.0.1:0", "--authority", "membrane.test"];
    const doctor = ["doctor", "--data", data, ...address, ...LEASE_FLAGS];
    expect(await whileConnecting(relay, doctor, env, look)).toEqual(expected(4));
    expect(await whileConnecting(relay, ["tenant", "list", "--data", data], env, look)).toEqual(expected(4));
  },
);
