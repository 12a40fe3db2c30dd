import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
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
import { afterAll, beforeAll, expect, test } from "vitest";
import { AWS_KEY, isCorrectlySigned, sha256 } from "../../../testkit/src/aws4-reference.ts";
import { call } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { trustGlobally } from "../../../testkit/src/global-dispatcher.ts";
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
let trust: AsyncDisposable;
let service: TestService;
const s3: S3Stub = createS3Stub();
const targets: TestTarget[] = [];

beforeAll(async () => {
  certificate = await makeCertificate("127.0.0.1");
  service = await startTestService({ tls: certificate });
  trust = trustGlobally(certificate.ca);
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
  await trust[Symbol.asyncDispose]();
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
  expect(listed.Contents?.map((each) => each.Key)).toEqual([`dir ${at}/empty`, key]);
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

test("S3: one prefix, to read, list included", async () => {
  const { token } = await exportService(targets[0]!.url, "s3", {
    allowPath: true,
    allowQuery: true,
    limits: {
      requests: [
        {
          methods: ["GET"],
          paths: ["/bucket/"],
          query: { "list-type": ["2"], prefix: [{ startsWith: "p/" }], "continuation-token": true },
        },
        { methods: ["GET", "HEAD"], paths: ["/bucket/p/**"] },
      ],
    },
  });
  using client = disposable(s3Client(token));
  s3.objects.set("/bucket/p/a", Buffer.from("of the prefix"));
  s3.objects.set("/bucket/q/a", Buffer.from("not of the prefix"));
  const of = (Key: string) => ({ Bucket: "bucket", Key });
  const read = await client.send(new GetObjectCommand(of("p/a")));
  expect(await read.Body!.transformToString()).toBe("of the prefix");
  expect(await client.send(new HeadObjectCommand(of("p/a")))).toMatchObject({ ContentLength: 13 });
  const list = (Prefix?: string) =>
    client.send(new ListObjectsV2Command({ Bucket: "bucket", ...(Prefix === undefined ? {} : { Prefix }) }));
  expect((await list("p/")).Contents?.map(({ Key }) => Key)).toEqual(["p/a"]);
  const before = targets[0]!.requests.length;
  for (const refused of [
    () => list(),
    () => list("q/"),
    () => client.send(new GetObjectCommand(of("q/a"))),
    () => client.send(new HeadObjectCommand(of("q/a"))),
  ]) {
    await expect(refused()).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
  }
  for (const refused of [
    new PutObjectCommand({ ...of("p/b"), Body: "x" }),
    new DeleteObjectCommand(of("p/a")),
  ]) {
    await expect(client.send(refused)).rejects.toMatchObject({ $metadata: { httpStatusCode: 405 } });
  }
  expect(targets[0]!.requests).toHaveLength(before);
});

test("DynamoDB: one operation alone, by the header that names it", async () => {
  await using target = await startTlsTarget(certificate, (_request, response) =>
    response.writeHead(200, { "Content-Type": "application/x-amz-json-1.0" }).end('{"Item":{"a":{"S":"x"}}}'),
  );
  const { token } = await exportService(target.url, "dynamodb", {
    allowHeaders: ["x-amz-target"],
    limits: { headers: { "x-amz-target": ["DynamoDB_20120810.GetItem"] } },
  });
  using client = disposable(new DynamoDBClient(configured(token)));
  const item = { TableName: "table", Key: { a: { S: "x" } } };
  expect(await client.send(new GetItemCommand(item))).toMatchObject({ Item: { a: { S: "x" } } });
  expect(target.requests.at(-1)!.headers["x-amz-target"]).toBe("DynamoDB_20120810.GetItem");
  expect(isCorrectlySigned(target.requests.at(-1)!, "dynamodb")).toBe(true);
  const before = target.requests.length;
  const put = new PutItemCommand({ TableName: "table", Item: { a: { S: "x" } } });
  await expect(client.send(put)).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
  expect(target.requests).toHaveLength(before);
});

test("Lambda: one function, invoked by the SDK, and no other", async () => {
  await using target = await startTlsTarget(
    certificate,
    (_request, response) => void response.end('{"answer":42}'),
  );
  const path = "/2015-03-31/functions/f/invocations";
  const { token } = await exportService(target.url, "lambda", {
    allowPath: true,
    limits: { methods: ["POST"], paths: [path] },
  });
  using client = disposable(new LambdaClient(configured(token)));
  const invoke = (name: string, fields = {}) =>
    client.send(new InvokeCommand({ FunctionName: name, Payload: Buffer.from('{"a":1}'), ...fields }));
  const { Payload } = await invoke("f");
  expect(Buffer.from(Payload!).toString()).toBe('{"answer":42}');
  const request = target.requests.at(-1)!;
  expect([request.method, request.url, request.body.toString()]).toEqual(["POST", path, '{"a":1}']);
  expect(isCorrectlySigned(request, "lambda")).toBe(true);
  const before = target.requests.length;
  await expect(invoke("g")).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
  await expect(invoke("f", { InvocationType: "Event" })).rejects.toMatchObject({
    $metadata: { httpStatusCode: 403 },
  });
  expect(target.requests).toHaveLength(before);
});

async function revokeNow(revoke: string): Promise<number> {
  return (await call(service, revoke, { method: "POST" })).status;
}

function disposable<T extends { destroy(): void }>(client: T): T & Disposable {
  return Object.assign(client, { [Symbol.dispose]: () => client.destroy() });
}
