import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { useConnection } from "../../../testkit/src/postgres-engine.ts";
import type { PostgresInstance } from "../../../testkit/src/postgres-instance.ts";
import { startPostgres } from "../../../testkit/src/postgres-instance.ts";
import { run } from "../../../testkit/src/run.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import type { CertificateAndKey } from "../../src/tls/x509.ts";
import {
  generateAuthorityKey,
  issueAuthorityCertificate,
  issueServerCertificate,
} from "../../src/tls/x509.ts";
import type { ConnectionConfig } from "../../src/store/postgres/config/connection-config.ts";

/* What each mode of TLS promises, with a real server. `store/postgres/connection.test.ts` has the CA and the name of the host. */

const DAY_MS = 86_400_000;

let server: PostgresInstance;
let ca: string;
/** The certificates of a user with that name, of which the server trusts one. */
let [trusted, untrusted]: CertificateAndKey[] = [];

beforeAll(async () => {
  const certificate = await makeCertificate("localhost");
  ({ ca } = certificate);
  [trusted, untrusted] = [await selfSigned("certified"), await selfSigned("certified")];
  server = await startPostgres();
  await useConnection(server.config(), (connection) => connection.query("CREATE ROLE certified LOGIN"));
  await server.writeFile(
    "pg_hba.conf",
    ["hostssl all certified 127.0.0.1/32 cert", "host all all 127.0.0.1/32 scram-sha-256", ""].join("\n"),
  );
  await present(certificate);
});
afterAll(() => server[Symbol.asyncDispose]());

/** Makes the server present a certificate. */
async function present({ cert, key }: CertificateAndKey): Promise<void> {
  await server.writeFile("server.crt", cert);
  await server.writeFile("server.key", key);
  await server.writeFile("clients.crt", trusted!.cert);
  await server.configure({ ssl: "on", ssl_ca_file: "'clients.crt'" });
  await server.stop("fast");
  await server.start();
}

async function selfSigned(name: string): Promise<CertificateAndKey> {
  await using directory = await temporaryDirectory();
  const [cert, key] = [join(directory.path, "cert"), join(directory.path, "key")];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
  const args = ["req", "-x509", ...kind, "-subj", `/CN=${name}`, "-keyout", key, "-out", cert];
  const { code, stderr } = await run("openssl", args, { env: process.env });
  if (code !== 0) throw new Error(stderr);
  return { cert: await readFile(cert, "utf8"), key: await readFile(key, "utf8") };
}

/** Connects, and returns who the server takes this for. */
function connectWith(given: Partial<ConnectionConfig>): Promise<unknown> {
  const config: ConnectionConfig = {
    ...server.config(),
    host: "localhost",
    sslMode: "verify-full",
    ca,
    ...given,
  };
  return useConnection(config, async (connection) => {
    const [row] = await connection.query(
      "SELECT current_user AS user, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    );
    return row;
  });
}

test("a client certificate that the server trusts is a user's proof, and no other is", async () => {
  const user = "certified";
  expect(await connectWith({ user, password: "", ...trusted })).toEqual({ user, ssl: true });
  await expect(connectWith({ user, password: "" })).rejects.toThrow(
    "connection requires a valid client certificate",
  );
  await expect(connectWith({ user, password: "", ...untrusted })).rejects.toThrow();
  // It is for the user of its name alone.
  await expect(connectWith({ user: "membrane_test", password: "", ...trusted })).rejects.toThrow("password");
});

test("a certificate that has expired, or is not valid yet, is refused by each mode that verifies", async () => {
  const key = await generateAuthorityKey();
  const issuer = { cert: await issueAuthorityCertificate(key, new Date(Date.now() - 200 * DAY_MS)), key };
  const names = [{ type: "dns", value: "localhost" }] as const;
  for (const days of [-100, 2]) {
    await present(await issueServerCertificate(issuer, names, new Date(Date.now() + days * DAY_MS)));
    for (const sslMode of ["verify-full", "verify-ca", "require"] as const)
      await expect(connectWith({ sslMode, ca: issuer.cert }), sslMode).rejects.toThrow("certificate");
  }
  await present(await issueServerCertificate(issuer, names, new Date()));
  expect(await connectWith({ ca: issuer.cert })).toMatchObject({ ssl: true });
});

test("the variable that turns verification off in Node.js does not turn it off here", async () => {
  const before = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
  process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
  try {
    const other = await makeCertificate("localhost");
    for (const sslMode of ["verify-full", "verify-ca"] as const)
      await expect(connectWith({ sslMode, ca: other.ca }), sslMode).rejects.toThrow();
  } finally {
    if (before === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = before;
  }
});

const MODES = ["require", "verify-ca", "verify-full"] as const;

test.each(MODES)(
  "with %s an attacker in the network who says that there is no TLS gets neither a user nor a password",
  async (sslMode) => {
    const received: Buffer[] = [];
    await using attacker = await listen((socket) => {
      socket.once("data", () => socket.write("N"));
      socket.on("data", (chunk: Buffer) => {
        received.push(chunk);
        // Only a startup message in clear would be taken up: all else ends with an alert of TLS.
        if (received.length > 1) socket.destroy();
      });
    });
    await expect(connectWith({ sslMode, port: attacker.port })).rejects.toThrow();
    const all = Buffer.concat(received);
    expect(all.length).toBeGreaterThan(0);
    for (const secret of [server.user, server.password]) expect(all.includes(secret)).toBe(false);
  },
);

test("what an attacker puts between the yes to TLS and its beginning is not taken for the server's", async () => {
  const accepted = Buffer.from("520000000800000000", "hex");
  await using attacker = await listen((socket) => {
    socket.once("data", () => socket.write(Buffer.concat([Buffer.from("S"), accepted])));
  });
  await expect(connectWith({ port: attacker.port, connectTimeoutMs: 1_000 })).rejects.toThrow();
});

async function listen(serve: (socket: Socket) => void) {
  const listener = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    serve(socket);
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => void listener.close(),
  };
}
