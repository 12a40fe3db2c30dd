import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { Agent as UndiciAgent, setGlobalDispatcher } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AWS_KEY, sha256 } from "../../../testkit/src/aws4-reference.ts";
import { call } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import type { S3Stub } from "../../../testkit/src/s3-stub.ts";
import { createS3Stub } from "../../../testkit/src/s3-stub.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";
import { makeCertificate, startTlsTarget } from "../../../testkit/src/tls-target.ts";

/*
 * The AWS SDK for JavaScript, unmodified: the token is its session token, the service its endpoint. What arrives is signed with the
 * target's key, which the stub of S3 verifies with an independent signer, the content and its checksum included.
 */

const MIB = 1024 * 1024;

let certificate: TestCertificate;
let service: TestService;
const s3: S3Stub = createS3Stub();
const targets: TestTarget[] = [];

beforeAll(async () => {
  certificate = await makeCertificate("127.0.0.1");
  service = await startTestService({ tls: certificate });
  setGlobalDispatcher(new UndiciAgent({ connect: { ca: certificate.ca } }));
  const respond = (target: () => TestTarget) => (_request: IncomingMessage, response: ServerResponse) =>
    s3.handle(target().requests.at(-1)!, response);
  targets.push(
    await startTlsTarget(
      certificate,
      respond(() => targets[0]!),
    ),
    await startTarget(respond(() => targets[1]!)),
  );
});
afterAll(async () => {
  await service.close();
  for (const target of targets) await target[Symbol.asyncDispose]();
});

interface Exported {
  readonly token: string;
  readonly revoke: string;
}

function exportService(url: string, name: string, fields: object): Promise<Exported> {
  const hmac = { "aws4-hmac-sha256": { ...AWS_KEY, service: name } };
  return exportTarget(service, { uri: url, tls: { ca: certificate.ca }, hmac, ...fields });
}

function exportBuckets(url: string): Promise<Exported> {
  return exportService(url, "s3", { allowPath: true, allowQuery: true });
}

/** What a user configures in a client of AWS. */
function configured(token: string) {
  return {
    endpoint: service.url,
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any", sessionToken: token },
    requestHandler: { httpsAgent: new Agent({ ca: certificate.ca }) },
    maxAttempts: 1,
  };
}

function s3Client(token: string): S3Client {
  return new S3Client({ ...configured(token), forcePathStyle: true });
}

test.each([
  ["https", 0],
  ["http", 1],
])("objects are written, read, listed and deleted over %s", async (_scheme, at) => {
  const { token } = await exportBuckets(targets[at]!.url);
  using client = disposable(s3Client(token));
  const of = (Key: string) => ({ Bucket: "bucket", Key });
  const key = `dir ${at}/é+;x`;
  await client.send(
    new PutObjectCommand({ ...of(key), Body: "hello", ContentType: "text/plain", Metadata: { a: "b" } }),
  );
  await client.send(new PutObjectCommand({ ...of(`dir ${at}/empty`), Body: "" }));
  expect(await client.send(new HeadObjectCommand(of(key)))).toMatchObject({ ContentLength: 5 });
  const read = await client.send(new GetObjectCommand(of(key)));
  expect(await read.Body!.transformToString()).toBe("hello");
  const listed = await client.send(new ListObjectsV2Command({ Bucket: "bucket", Prefix: `dir ${at}/` }));
  expect(listed.Contents?.map((each) => each.Key)).toEqual([key, `dir ${at}/empty`]);
  await client.send(new DeleteObjectCommand(of(key)));
  await expect(client.send(new GetObjectCommand(of(key)))).rejects.toMatchObject({ name: "NoSuchKey" });
});

test.each([
  ["https, in chunks with a checksum", 0],
  ["http, hashed, with a checksum as a header", 1],
])("a stream is written over %s", async (_how, at) => {
  const { token } = await exportBuckets(targets[at]!.url);
  using client = disposable(s3Client(token));
  const content = randomBytes(3 * MIB);
  const Body = Readable.from([content.subarray(0, 100), content.subarray(100)]);
  const sent = { Bucket: "bucket", Key: `stream-${at}`, Body, ContentLength: content.length };
  await client.send(new PutObjectCommand(sent));
  expect(s3.objects.get(`/bucket/stream-${at}`)!.equals(content)).toBe(true);
  const request = targets[at]!.requests.at(-1)!;
  expect(request.headers["x-amz-content-sha256"]).toBe(
    at === 0 ? "STREAMING-UNSIGNED-PAYLOAD-TRAILER" : sha256(content),
  );
  expect(request.rawHeaders.join("\n")).not.toContain("CPBLTY1-");
});

test("a stream of any length is uploaded in parts and downloaded", async () => {
  const { token } = await exportBuckets(targets[0]!.url);
  using client = disposable(s3Client(token));
  const content = randomBytes(12 * MIB + 3);
  const params = { Bucket: "bucket", Key: "large", Body: Readable.from([content]) };
  await new Upload({ client, params, partSize: 5 * MIB }).done();
  expect(s3.objects.get("/bucket/large")!.equals(content)).toBe(true);
  const read = await client.send(new GetObjectCommand({ Bucket: "bucket", Key: "large" }));
  expect((await buffer(read.Body as Readable)).equals(content)).toBe(true);
  const part = await client.send(
    new GetObjectCommand({ Bucket: "bucket", Key: "large", Range: "bytes=3-9" }),
  );
  expect((await buffer(part.Body as Readable)).equals(content.subarray(3, 10))).toBe(true);
});

test("a revoke between the parts of an upload ends it, and no object is complete", async () => {
  const { token, revoke } = await exportBuckets(targets[0]!.url);
  using client = disposable(s3Client(token));
  const object = { Bucket: "bucket", Key: "revoked" };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(object));
  const part = (PartNumber: number): UploadPartCommand =>
    new UploadPartCommand({ ...object, UploadId, PartNumber, Body: randomBytes(MIB) });
  const { ETag } = await client.send(part(1));
  expect(await revokeNow(revoke)).toBe(202);
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  const denied = { $metadata: { httpStatusCode: 401 } };
  await expect(client.send(part(2))).rejects.toMatchObject(denied);
  const complete = new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload });
  await expect(client.send(complete)).rejects.toMatchObject(denied);
  expect(s3.objects.has("/bucket/revoked")).toBe(false);
  expect([...s3.uploads.get(UploadId!)!.keys()]).toEqual([1]);
});

test("a revoke in the middle of a stream that is written ends it on both sides", async () => {
  const { token, revoke } = await exportBuckets(targets[0]!.url);
  using client = disposable(s3Client(token));
  async function* halves(): AsyncGenerator<Buffer> {
    yield randomBytes(MIB);
    expect(await revokeNow(revoke)).toBe(202);
    yield randomBytes(MIB);
  }
  const Body = Readable.from(halves(), { objectMode: false });
  const sent = { Bucket: "bucket", Key: "half", Body, ContentLength: 2 * MIB };
  await expect(client.send(new PutObjectCommand(sent))).rejects.toThrow();
  expect(s3.objects.has("/bucket/half")).toBe(false);
});

test("a revoke in the middle of a stream that is read ends it on both sides", async () => {
  const server = createServer(certificate, (_request, response) => {
    response.writeHead(200, { "Content-Length": 2 * MIB });
    response.write(randomBytes(MIB));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { token, revoke } = await exportBuckets(
    `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
  );
  using client = disposable(s3Client(token));
  const read = await client.send(new GetObjectCommand({ Bucket: "bucket", Key: "half" }));
  expect(await revokeNow(revoke)).toBe(202);
  await expect(buffer(read.Body as Readable)).rejects.toThrow();
  server.close();
  await once(server, "close");
});

async function revokeNow(revoke: string): Promise<number> {
  return (await call(service, revoke, { method: "POST" })).status;
}

function disposable<T extends { destroy(): void }>(client: T): T & Disposable {
  return Object.assign(client, { [Symbol.dispose]: () => client.destroy() });
}
