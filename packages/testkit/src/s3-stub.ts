import type { ServerResponse } from "node:http";
import { isCorrectlySigned } from "./aws4-reference.ts";
import { checksum, entityTag, entityTagOfParts, readContent } from "./s3-content.ts";
import { element, LAST_MODIFIED, listObjects } from "./s3-listing.ts";
import type { ReceivedRequest } from "./target.ts";

/** Buckets in memory, with the part of S3 that clients use: objects with metadata, lists, uploads in parts. */
export interface S3Stub {
  /** Contents by decoded path: `/bucket/key`. */
  readonly objects: Map<string, Buffer>;
  /** Uploads in parts that are neither complete nor aborted, by id. */
  readonly uploads: Map<string, Map<number, Buffer>>;
  /** A request whose signature or content is wrong is a 403. */
  handle(request: ReceivedRequest, response: ServerResponse): void;
}

export function createS3Stub(): S3Stub {
  const objects = new Map<string, Buffer>();
  const metadata = new Map<string, Readonly<Record<string, string>>>();
  const uploads = new Map<string, Map<number, Buffer>>();

  return {
    objects,
    uploads,
    handle(request, response) {
      const content = readContent(request);
      if (content === undefined || !isCorrectlySigned(request, "s3"))
        return sendError(response, 403, "SignatureDoesNotMatch");
      const { pathname: encodedPath, searchParams } = new URL(request.url, "https://s3.example");
      const pathname = decodeURIComponent(encodedPath);
      const isBucket = /^\/[^/]+\/?$/.test(pathname);
      const uploadId = searchParams.get("uploadId");
      if (searchParams.has("uploads")) {
        const id = `upload-${uploads.size + 1}`;
        uploads.set(id, new Map());
        metadata.set(pathname, metadataOf(request));
        return sendXml(response, 200, result("InitiateMultipartUpload", { UploadId: id }));
      }
      if (uploadId !== null) {
        const parts = uploads.get(uploadId);
        if (parts === undefined) return sendError(response, 404, "NoSuchUpload");
        if (request.method === "PUT") {
          parts.set(Number(searchParams.get("partNumber")), content);
          return sendEmpty(response, content);
        }
        uploads.delete(uploadId);
        if (request.method === "DELETE") return void response.writeHead(204).end();
        const sorted = [...parts].toSorted(([a], [b]) => a - b).map(([, part]) => part);
        objects.set(pathname, Buffer.concat(sorted));
        return sendXml(response, 200, result("CompleteMultipartUpload", { ETag: entityTagOfParts(sorted) }));
      }
      if (searchParams.has("location"))
        return sendXml(response, 200, element("LocationConstraint", "us-east-1"));
      if (isBucket && request.method === "GET")
        return sendXml(response, 200, listObjects(objects, pathname, searchParams));
      if (request.method === "PUT") {
        objects.set(pathname, content);
        metadata.set(pathname, metadataOf(request));
        return sendEmpty(response, content);
      }
      if (request.method === "DELETE") {
        objects.delete(pathname);
        return void response.writeHead(204).end();
      }
      sendObject(request, response, objects.get(pathname), metadata.get(pathname));
    },
  };
}

function metadataOf({ headers }: ReceivedRequest): Readonly<Record<string, string>> {
  const entries = Object.entries(headers).filter(([name]) => name.startsWith("x-amz-meta-"));
  return Object.fromEntries(entries.map(([name, value = ""]) => [name, value.toString()]));
}

function sendEmpty(response: ServerResponse, content: Buffer): void {
  response.writeHead(200, { ETag: entityTag(content), "x-amz-checksum-crc32": checksum(content) }).end();
}

function sendObject(
  request: ReceivedRequest,
  response: ServerResponse,
  content: Buffer | undefined,
  metadata: Readonly<Record<string, string>> = {},
): void {
  if (content === undefined) return sendError(response, 404, "NoSuchKey");
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const begin = Number(range?.[1] ?? 0);
  const end = Math.min(range?.[2] ? Number(range[2]) + 1 : content.length, content.length);
  response.writeHead(range === null ? 200 : 206, {
    ...metadata,
    "Content-Length": end - begin,
    ETag: entityTag(content),
    "Last-Modified": LAST_MODIFIED.toUTCString(),
    ...(range === null
      ? { "x-amz-checksum-crc32": checksum(content) }
      : { "Content-Range": `bytes ${begin}-${end - 1}/${content.length}` }),
  });
  response.end(request.method === "HEAD" ? undefined : content.subarray(begin, end));
}

function result(name: string, fields: Readonly<Record<string, string>>): string {
  const members = Object.entries(fields).map(([field, value]) => element(field, value));
  return element(`${name}Result`, members.join(""));
}

function sendError(response: ServerResponse, status: number, code: string): void {
  sendXml(response, status, element("Error", element("Code", code)));
}

function sendXml(response: ServerResponse, status: number, body: string): void {
  response
    .writeHead(status, { "Content-Type": "application/xml", "Content-Length": Buffer.byteLength(body) })
    .end(body);
}
