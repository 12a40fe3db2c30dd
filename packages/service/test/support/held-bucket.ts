import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { isCorrectlySigned } from "../../../testkit/src/aws4-reference.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import { element, LAST_MODIFIED } from "../../../testkit/src/s3-listing.ts";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";

/** Larger than one part of every client, and than what sockets hold. */
export const HELD_SIZE = 24 * 1024 * 1024;

const FIRST_PIECE = Buffer.alloc(1024 * 1024);

/** A bucket that holds each transfer in its middle: it sends the first piece of an object, and reads that of an upload. */
export interface HeldBucket extends AsyncDisposable {
  readonly url: string;
  /** All requests, of which only those that are signed correctly are served. */
  readonly requests: readonly IncomingMessage[];
  /** Done when the first piece of an upload has arrived. */
  readonly uploading: Promise<unknown>;
  /** Done when each upload has ended; says of each whether all of it arrived. */
  endsOfUploads(): Promise<readonly ("whole" | "aborted")[]>;
}

export async function startHeldBucket(certificate: TestCertificate): Promise<HeldBucket> {
  const requests: IncomingMessage[] = [];
  const uploads: IncomingMessage[] = [];
  const uploading = deferred<undefined>();
  const server = createServer({ cert: certificate.cert, key: certificate.key }, (request, response) => {
    requests.push(request);
    request.on("error", () => undefined);
    const { method = "", url = "", rawHeaders, headers } = request;
    if (!isCorrectlySigned({ method, url, rawHeaders, headers, body: Buffer.alloc(0) }, "s3"))
      return void response.writeHead(403).end();
    if (method === "PUT") {
      uploads.push(request);
      request.once("data", () => {
        request.pause();
        uploading.resolve(undefined);
      });
    } else if (method === "POST") {
      response.end(element("InitiateMultipartUploadResult", element("UploadId", "held")));
    } else if (new URL(url, "https://s3.example").searchParams.has("location")) {
      response.end(element("LocationConstraint", "us-east-1"));
    } else {
      sendFirstPiece(request, response);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    uploading: uploading.promise,
    endsOfUploads: () => Promise.all(uploads.map(endOf)),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function sendFirstPiece({ method, headers }: IncomingMessage, response: ServerResponse): void {
  const range = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "");
  const begin = Number(range?.[1] ?? 0);
  const end = range?.[2] ? Number(range[2]) : HELD_SIZE - 1;
  response.writeHead(range === null ? 200 : 206, {
    "Content-Length": end + 1 - begin,
    ETag: '"held"',
    "Last-Modified": LAST_MODIFIED.toUTCString(),
    ...(range === null ? {} : { "Content-Range": `bytes ${begin}-${end}/${HELD_SIZE}` }),
  });
  if (method === "HEAD") response.end();
  else response.write(FIRST_PIECE);
}

async function endOf(upload: IncomingMessage): Promise<"whole" | "aborted"> {
  upload.resume();
  // Not `once` of node:events, which throws for an upload that is aborted.
  if (!upload.closed) await new Promise((resolve) => upload.once("close", resolve));
  return upload.complete ? "whole" : "aborted";
}
