import { once } from "node:events";
import { chown, stat, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { alterServer, useConnection } from "../../../../testkit/src/postgres-engine.ts";
import { connectionTo, postgresServer } from "../../../../testkit/src/postgres-server.ts";
import { until } from "../../../../testkit/src/until.ts";
import { generateAuthorityKey, issueAuthorityCertificate, issueServerCertificate } from "../../tls/x509.ts";
import type { ConnectionConfig } from "./config/connection-config.ts";
import { openConnection } from "./connection.ts";

/** Whether the connection is encrypted, as the server says. */
async function isEncrypted(given: Partial<ConnectionConfig>): Promise<unknown> {
  const config = { ...(await connectionTo("postgres")), ...given };
  return useConnection(config, async (connection) => {
    const [row] = await connection.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    return row?.["ssl"];
  });
}

test("a server without TLS gets nothing from a client that wants TLS", async () => {
  await expect(isEncrypted({ sslMode: "require" })).rejects.toThrow();
  await expect(isEncrypted({ sslMode: "verify-full" })).rejects.toThrow();
  expect(await isEncrypted({ sslMode: "disable" })).toBe(false);
});

describe("with a certificate for localhost", () => {
  let ca = "";
  let otherCa = "";
  let altered: AsyncDisposable | undefined;

  beforeAll(async () => {
    const now = new Date();
    const [key, otherKey] = [await generateAuthorityKey(), await generateAuthorityKey()];
    [ca, otherCa] = [
      await issueAuthorityCertificate(key, now),
      await issueAuthorityCertificate(otherKey, now),
    ];
    const issued = await issueServerCertificate(
      { cert: ca, key },
      [{ type: "dns", value: "localhost" }],
      now,
    );
    const { directory } = await postgresServer();
    const { uid, gid } = await stat(directory);
    for (const [name, text] of [
      ["server.crt", issued.cert],
      ["server.key", issued.key],
    ] as const) {
      await writeFile(join(directory, name), text, { mode: 0o600 });
      await chown(join(directory, name), uid, gid);
    }
    altered = await alterServer({ ssl: "on" });
  });
  afterAll(() => altered?.[Symbol.asyncDispose]());

  test.each(["disable", "verify-full"] as const)(
    "what a connection leaves behind that is abandoned is cancelled, with sslmode=%s",
    async (sslMode) => {
      const config = { ...(await connectionTo("postgres")), host: "localhost", sslMode, ca };
      const running = async (): Promise<number> =>
        useConnection(config, async (other) => {
          const text =
            "SELECT FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(3600)' AND state = 'active'";
          return (await other.query(text)).length;
        });
      // The server would end a longer transaction by itself.
      const connection = openConnection(config, 3_600_000);
      const slept = connection.query("SELECT pg_sleep(3600)");
      slept.catch(() => undefined);
      await until("the statement runs", async () => (await running()) > 0);
      connection.abandon();
      await expect(slept).rejects.toThrow();
      await until("the statement was cancelled", async () => (await running()) === 0);
    },
  );

  test("a connection with TLS that is destroyed while it has nothing to do brings no error", async () => {
    const config = {
      ...(await connectionTo("postgres")),
      host: "localhost",
      sslMode: "verify-full",
      ca,
    } as const;
    const connection = openConnection(config, 10_000);
    const [row] = await connection.query("SELECT pg_backend_pid() AS pid");
    connection.destroy();
    const isThere = () =>
      useConnection(config, (other) =>
        other.query("SELECT FROM pg_stat_activity WHERE pid = $1", [Number(row?.["pid"])]),
      );
    await until("the server has ended its process", async () => (await isThere()).length === 0);
    await expect(connection.query("SELECT")).rejects.toThrow("closed");
  });

  test("verify-full connects to localhost with its CA, and to no other name nor with another CA", async () => {
    expect(await isEncrypted({ host: "localhost", sslMode: "verify-full", ca })).toBe(true);
    await expect(isEncrypted({ host: "127.0.0.1", sslMode: "verify-full", ca })).rejects.toThrow("IP");
    await expect(isEncrypted({ host: "localhost", sslMode: "verify-full", ca: otherCa })).rejects.toThrow();
    await expect(isEncrypted({ host: "localhost", sslMode: "verify-full" })).rejects.toThrow();
  });

  test("verify-ca takes any name, and no other CA", async () => {
    expect(await isEncrypted({ host: "127.0.0.1", sslMode: "verify-ca", ca })).toBe(true);
    await expect(isEncrypted({ host: "127.0.0.1", sslMode: "verify-ca", ca: otherCa })).rejects.toThrow();
  });

  test("require encrypts, and verifies only with a CA", async () => {
    expect(await isEncrypted({ host: "127.0.0.1", sslMode: "require" })).toBe(true);
    await expect(isEncrypted({ host: "127.0.0.1", sslMode: "require", ca: otherCa })).rejects.toThrow();
  });
});

test("statements are planned once, and never compiled", async () => {
  await useConnection(await connectionTo("postgres"), async (connection) => {
    const names = ["plan_cache_mode", "jit"];
    const settings = names.map((name) => `current_setting('${name}') AS ${name}`).join();
    expect(await connection.query(`SELECT ${settings}`)).toEqual([
      { plan_cache_mode: "force_generic_plan", jit: "off" },
    ]);
  });
});

test("a wrong password is refused, and not in the error", async () => {
  const refused = isEncrypted({ password: "canary" });
  await expect(refused).rejects.toThrow("password authentication failed");
  await expect(refused).rejects.not.toThrow("canary");
});

test("a statement has all its rows, and no others, after one that failed amid its rows", async () => {
  await useConnection(await connectionTo("postgres"), async (connection) => {
    const failsAmid = () => connection.query("SELECT 1 / (3 - n) FROM generate_series(1, 5) n");
    for (const parameters of [[], [7]]) {
      await expect(failsAmid()).rejects.toMatchObject({ code: "22012" });
      const text = `SELECT ${parameters.length === 0 ? "7" : "$1::int"} AS number`;
      const rows = await connection.query(text, parameters);
      expect([...rows]).toEqual([{ number: 7 }]);
    }
    await expect(failsAmid()).rejects.toThrow();
    expect(await connection.query("SELECT WHERE false")).toHaveLength(0);
  });
});

test.each(["disable", "verify-full"] as const)(
  "a server that ends the connection before the login fails all that was sent, with sslmode=%s",
  async (sslMode) => {
    const server = createServer((socket) => socket.end().resume()).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const config = { ...(await connectionTo("postgres")), host: "127.0.0.1", port, sslMode };
    const connection = openConnection(config, 10_000);
    const sent = [connection.query("SELECT"), connection.query("SELECT"), connection.execute("SELECT", [])];
    const codes = (await Promise.allSettled(sent)).map((result) => "reason" in result && result.reason.code);
    expect(codes).toEqual(["CONNECTION_CLOSED", "CONNECTION_CLOSED", "CONNECTION_CLOSED"]);
    expect(connection.isClosed).toBe(true);
    server.close();
  },
);

/** The user is in: what follows is how the session begins, and that the server is ready. */
const ACCEPTED = Buffer.from("520000000800000000", "hex");

test.each([
  ["disable", "nothing", ""],
  ["disable", "only a yes to the user", ACCEPTED],
  ["require", "nothing", ""],
  ["require", "only a yes to TLS", "S"],
  ["verify-full", "nothing", ""],
  ["verify-full", "only a yes to TLS", "S"],
] as const)(
  "with sslmode=%s a server that says %s fails all that was sent once the time to connect is over",
  { timeout: 20_000 },
  async (sslMode, _what, said) => {
    let left = 0;
    const server = createServer((socket) => {
      socket.on("error", () => socket.destroy()).on("close", () => (left += 1));
      socket.once("data", () => socket.write(said)).resume();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const place = { host: "127.0.0.1", port, sslMode, connectTimeoutMs: 300 };
    const connection = openConnection({ ...(await connectionTo("postgres")), ...place }, 10_000);
    const sent = [connection.query("SELECT"), connection.query("SELECT"), connection.execute("SELECT", [])];
    const codes = (await Promise.allSettled(sent)).map((result) => "reason" in result && result.reason.code);
    expect(codes).toEqual(["CONNECT_TIMEOUT", "CONNECT_TIMEOUT", "CONNECT_TIMEOUT"]);
    expect(connection.isClosed).toBe(true);
    await until("the client has left", () => left === 1);
    server.close();
  },
);

test.each(["at once", "while it has nothing to do", "a second time"])(
  "a connection that its owner abandons %s fails what is sent, is closed, and is not called lost",
  { timeout: 20_000 },
  async (when) => {
    const config = await connectionTo("postgres");
    let losses = 0;
    const connection = openConnection(config, 10_000, { onLost: () => (losses += 1) });
    let pid: number | undefined;
    if (when !== "at once") {
      const [row] = await connection.query("SELECT pg_backend_pid() AS pid");
      pid = Number(row?.["pid"]);
    }
    connection.abandon();
    if (when === "a second time") connection.abandon();
    expect(connection.isClosed).toBe(true);
    await expect(connection.query("SELECT")).rejects.toThrow("closed");
    await useConnection(config, (other) =>
      until("the server has ended its process", async () => {
        const text = "SELECT FROM pg_stat_activity WHERE pid = $1";
        return pid === undefined || (await other.query(text, [pid])).length === 0;
      }),
    );
    await connection.close();
    expect(losses).toBe(0);
  },
);

test("a transaction in which a statement failed is not taken for a committed one", async () => {
  await useConnection(await connectionTo("postgres"), async (connection) => {
    const committed = connection.transaction(() => connection.query("SELECT 1 / 0").catch(() => []));
    await expect(committed).rejects.toThrow("the transaction was rolled back");
  });
});

const INSERTS = ["INSERT INTO public.lost VALUES (1)", "INSERT INTO public.lost VALUES (2)"] as const;

test("after a loss no statement runs outside of the transaction that it was sent in", async () => {
  const config = await connectionTo("postgres");
  await useConnection(config, (connection) =>
    connection.query("CREATE TABLE IF NOT EXISTS public.lost (number int)"),
  );
  await useConnection(config, async (victim) => {
    const [backend] = await victim.query("SELECT pg_backend_pid() AS pid");
    const begun = victim.begin();
    const sent = ["SELECT pg_sleep(30)", ...INSERTS].map((text) => victim.query(text));
    const outcomes = Promise.allSettled([...sent, begun.then(() => victim.query("SELECT 1"))]);
    await begun;
    await useConnection(config, (killer) =>
      killer.query("SELECT pg_terminate_backend($1)", [Number(backend?.["pid"])]),
    );
    const statuses = (await outcomes).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set(["rejected"]));
    await expect(victim.query(INSERTS[0])).rejects.toThrow();
    expect(victim.isClosed).toBe(true);
  });
  const left = await useConnection(config, (connection) =>
    connection.query("SELECT number FROM public.lost"),
  );
  expect(left).toEqual([]);
});

test("a prepared statement that the server has lost is repeated neither outside of its transaction nor inside", async () => {
  const config = await connectionTo("postgres");
  await useConnection(config, (connection) =>
    connection.query("CREATE TABLE IF NOT EXISTS public.torn (number int)"),
  );
  await useConnection(config, async (connection) => {
    const insert = (number: number) =>
      connection.query("INSERT INTO public.torn SELECT $1::int WHERE $1::int > 0", [number]);
    await insert(0);
    await connection.query("DEALLOCATE ALL");
    // All at once, as a write sends them.
    const sent = [connection.begin(), insert(1), insert(2), connection.commit()];
    const statuses = (await Promise.allSettled(sent)).map(({ status }) => status);
    expect(statuses).toEqual(["fulfilled", "rejected", "rejected", "rejected"]);
    expect(connection.isClosed).toBe(true);
  });
  const left = await useConnection(config, (connection) =>
    connection.query("SELECT number FROM public.torn"),
  );
  expect(left).toEqual([]);
});
