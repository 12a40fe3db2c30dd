import { once } from "node:events";
import type { IncomingMessage, RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { toSubjectAltName } from "../../service/src/tls/subject-alt-name.ts";
import {
  issueServerCertificate,
  issueAuthorityCertificate,
  generateAuthorityKey,
} from "../../service/src/tls/x509.ts";
import type { CertificateAndKey } from "../../service/src/tls/x509.ts";
import type { ReceivedRequest, TestTarget } from "./target.ts";

/** A server certificate, and the CA that issued it. */
export interface TestCertificate extends CertificateAndKey {
  readonly ca: string;
}

/** Makes a server certificate for the hosts (`host[:port]`) from a new private CA. */
export async function makeCertificate(...hosts: readonly string[]): Promise<TestCertificate> {
  const key = await generateAuthorityKey();
  const ca = await issueAuthorityCertificate(key, new Date());
  const leaf = await issueServerCertificate({ cert: ca, key }, hosts.map(toSubjectAltName), new Date());
  return { ...leaf, ca };
}

/** Starts a target over https that records each whole request and then calls `respond` (default: 200 "ok"). */
export async function startTlsTarget(
  certificate: TestCertificate,
  respond: RequestListener = (_request, response) => void response.end("ok"),
): Promise<TestTarget> {
  const requests: ReceivedRequest[] = [];
  const server = createServer({ cert: certificate.cert, key: certificate.key }, (request, response) => {
    void readBody(request).then(
      (body) => {
        const { method = "", url = "", rawHeaders, headers } = request;
        requests.push({ method, url, rawHeaders, headers, body });
        respond(request, response);
      },
      () => undefined,
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}/`,
    port,
    requests,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(request, "end");
  return Buffer.concat(chunks);
}
