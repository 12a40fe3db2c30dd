import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { IncomingMessage, ServerResponse } from "node:http";
import { isCorrectlySigned, sha256 } from "./aws4-reference.ts";
import type { ReceivedRequest } from "./target.ts";

/** A bucket in memory, with the part of S3 that clients use: objects, lists, uploads in parts. */
export interface S3Stub {
  /** Contents by decoded path: `/bucket/key`. */
  readonly objects: Map<string, Buffer>;
  /** Uploads in parts that are neither complete nor aborted, by id. */
  readonly uploads: Map<string, Map<number, Buffer>>;
  /** A request whose signature or content is wrong is a 403. */
  handle(request: ReceivedRequest, response: ServerResponse): void;
}

const LAST_MODIFIED = new Date("2026-11-28T20:29:38Z");

const CHUNKS = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

export function createS3Stub(): S3Stub {
  const objects = new Map<string, Buffer>();
  const uploads = new Map<string, Map<number, Buffer>>();

  return {
    objects,
    uploads,
    handle(request, response) {
      const content = contentOf(request);
      if (content === undefined || !isCorrectlySigned(request, "s3")) {
        return sendXml(response, 403, "<Error><Code>SignatureDoesNotMatch</Code></Error>");
      }
      const { pathname: encodedPath, searchParams } = new URL(request.url, "https://s3.example");
      const pathname = decodeURIComponent(encodedPath);
      const uploadId = searchParams.get("uploadId");
      if (searchParams.has("uploads")) {
        const id = `upload-${uploads.size + 1}`;
        uploads.set(id, new Map());
        return sendXml(response, 200, result("InitiateMultipartUpload", { UploadId: id }));
      }
      if (uploadId !== null) {
        const parts = uploads.get(uploadId);
        if (parts === undefined) return sendXml(response, 404, "<Error><Code>NoSuchUpload</Code></Error>");
        if (request.method === "PUT") {
          parts.set(Number(searchParams.get("partNumber")), content);
          return sendEmpty(response, content);
        }
        uploads.delete(uploadId);
        if (request.method === "DELETE") return void response.writeHead(204).end();
        const sorted = [...parts].toSorted(([a], [b]) => a - b);
        objects.set(pathname, Buffer.concat(sorted.map(([, part]) => part)));
        return sendXml(response, 200, result("CompleteMultipartUpload", { ETag: '"whole"' }));
      }
      if (searchParams.has("list-type")) return sendXml(response, 200, list(objects, pathname, searchParams));
      if (request.method === "PUT") {
        objects.set(pathname, content);
        return sendEmpty(response, content);
      }
      if (request.method === "DELETE") {
        objects.delete(pathname);
        return void response.writeHead(204).end();
      }
      sendObject(request, response, objects.get(pathname));
    },
  };
}

/** The content of a request; nothing if it is not the one that was signed, or its checksum is wrong. */
function contentOf({ headers, body }: ReceivedRequest): Buffer | undefined {
  const hash = headers["x-amz-content-sha256"];
  if (hash === "UNSIGNED-PAYLOAD")
    return isChecksum(headers["x-amz-checksum-crc32"], body) ? body : undefined;
  if (hash !== CHUNKS) return hash === sha256(body) ? body : undefined;
  const { content, crc } = decodeChunks(body.toString("latin1"));
  const isWhole = content.length === Number(headers["x-amz-decoded-content-length"]);
  return isWhole && headers["x-amz-trailer"] === "x-amz-checksum-crc32" && isChecksum(crc, content)
    ? content
    : undefined;
}

function decodeChunks(body: string): { readonly content: Buffer; readonly crc: string | undefined } {
  let [rest, content] = [body, ""];
  for (;;) {
    const line = /^([0-9a-f]+)\r\n/i.exec(rest);
    const length = Number.parseInt(line?.[1] ?? "0", 16);
    rest = rest.slice(line?.[0].length ?? 0);
    if (length === 0) break;
    content += rest.slice(0, length);
    rest = rest.slice(length + 2);
  }
  return {
    content: Buffer.from(content, "latin1"),
    crc: /^x-amz-checksum-crc32:(.*)\r\n\r\n$/.exec(rest)?.[1],
  };
}

function isChecksum(header: IncomingMessage["headers"][string], content: Buffer): boolean {
  return header === undefined || header === checksum(content);
}

function checksum(content: Buffer): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(content));
  return bytes.toString("base64");
}

/** Clients compare it with the MD5 of what they sent. */
function entityTag(content: Buffer): string {
  return `"${createHash("md5").update(content).digest("hex")}"`;
}

function sendEmpty(response: ServerResponse, content: Buffer): void {
  response.writeHead(200, { ETag: entityTag(content), "x-amz-checksum-crc32": checksum(content) }).end();
}

function sendObject(request: ReceivedRequest, response: ServerResponse, content: Buffer | undefined): void {
  if (content === undefined) return sendXml(response, 404, "<Error><Code>NoSuchKey</Code></Error>");
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const part =
    range === null
      ? content
      : content.subarray(Number(range[1]), range[2] === "" ? undefined : Number(range[2]) + 1);
  response.writeHead(range === null ? 200 : 206, {
    "Content-Length": part.length,
    ETag: entityTag(content),
    "Last-Modified": LAST_MODIFIED.toUTCString(),
    ...(range === null ? { "x-amz-checksum-crc32": checksum(content) } : {}),
  });
  response.end(request.method === "HEAD" ? undefined : part);
}

function list(objects: Map<string, Buffer>, bucket: string, query: URLSearchParams): string {
  const prefix = query.get("prefix") ?? "";
  const root = bucket.endsWith("/") ? bucket : `${bucket}/`;
  const keys = [...objects.keys()].filter((path) => path.startsWith(root + prefix));
  const contents = keys.map((path) => {
    const fields = `<LastModified>${LAST_MODIFIED.toISOString()}</LastModified><Size>${objects.get(path)?.length}</Size>`;
    return `<Contents><Key>${path.slice(root.length)}</Key>${fields}</Contents>`;
  });
  return `<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join("")}</ListBucketResult>`;
}

function result(name: string, fields: Readonly<Record<string, string>>): string {
  const members = Object.entries(fields).map(([field, value]) => `<${field}>${value}</${field}>`);
  return `<${name}Result>${members.join("")}</${name}Result>`;
}

function sendXml(response: ServerResponse, status: number, body: string): void {
  response
    .writeHead(status, { "Content-Type": "application/xml", "Content-Length": Buffer.byteLength(body) })
    .end(body);
}
