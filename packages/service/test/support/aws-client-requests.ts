import { sha256 } from "../../../testkit/src/aws4-reference.ts";

/*
 * Requests of unmodified AWS clients, recorded on loopback, without their signature, Host, Date and token, which never reach a
 * target. They are for S3 unless a row has another service.
 */

export interface AwsClientRequest {
  readonly client: string;
  readonly method: string;
  /** Request target with the query. */
  readonly uri: string;
  readonly headers: readonly string[];
  readonly body?: string;
  /** The body that the target gets, if it is another. */
  readonly content?: string;
  /** Default: s3. */
  readonly service?: string;
  /** The response: 200, or the status and code of a refusal. */
  readonly becomes: 200 | readonly [status: number, code: string];
  /** The tested headers that the target gets. */
  readonly arrives?: Readonly<Record<string, string>>;
}

const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const REFUSED_HEADER = [403, "header_not_allowed"] as const;
/** Headers of every SDK: retries, the client's date and payload hash. */
const SDK = [
  "amz-sdk-invocation-id: 00000000-0000-0000-0000-000000000000",
  "amz-sdk-request: attempt=1",
  "X-Amz-Date: 20261128T202938Z",
];
const READ = [...SDK, `x-amz-content-sha256: ${EMPTY}`];

function write(body: string): readonly string[] {
  return [...SDK, `x-amz-content-sha256: ${sha256(body)}`];
}

const CRC = ["x-amz-sdk-checksum-algorithm: CRC32", "x-amz-checksum-crc32: NhCmhg=="];
const CRC_ARRIVES = { "x-amz-sdk-checksum-algorithm": "CRC32", "x-amz-checksum-crc32": "NhCmhg==" };
const JS = "aws-sdk-js 3";
const BOTO = "boto3 1.43";

export const AWS_CLIENT_REQUESTS: readonly AwsClientRequest[] = [
  {
    client: "boto3 1.26 put",
    method: "PUT",
    uri: "/b/k%20%C3%A9%2B%3Bx",
    headers: [...write("hello"), "Accept-Encoding: identity", "Content-MD5: XUFAKrxLKna5cZ2REBfFkg=="],
    body: "hello",
    becomes: 200,
    arrives: { "content-md5": "XUFAKrxLKna5cZ2REBfFkg==" },
  },
  {
    client: `${BOTO} put`,
    method: "PUT",
    uri: "/b/k",
    headers: [...write("hello"), ...CRC],
    body: "hello",
    becomes: 200,
    arrives: CRC_ARRIVES,
  },
  {
    client: `${BOTO} upload in parts, begin`,
    method: "POST",
    uri: "/b/big?uploads",
    headers: [...READ, "x-amz-checksum-algorithm: CRC32"],
    becomes: 200,
    arrives: { "x-amz-checksum-algorithm": "CRC32" },
  },
  {
    client: `${BOTO} upload in parts, a part`,
    method: "PUT",
    uri: "/b/big?uploadId=53609b826f4f&partNumber=3",
    headers: [...write("part"), ...CRC],
    body: "part",
    becomes: 200,
    arrives: CRC_ARRIVES,
  },
  {
    client: `${BOTO} upload in parts, end`,
    method: "POST",
    uri: "/b/big?uploadId=53609b826f4f",
    headers: write("<CompleteMultipartUpload/>"),
    body: "<CompleteMultipartUpload/>",
    becomes: 200,
  },
  {
    client: `${BOTO} get`,
    method: "GET",
    uri: "/b/f",
    headers: [...READ, "x-amz-checksum-mode: ENABLED"],
    becomes: 200,
    arrives: { "x-amz-checksum-mode": "ENABLED" },
  },
  {
    client: `${BOTO} list`,
    method: "GET",
    uri: "/b?list-type=2&encoding-type=url",
    headers: READ,
    becomes: 200,
  },
  {
    client: `${BOTO} copy`,
    method: "PUT",
    uri: "/b/c",
    headers: [...READ, "x-amz-copy-source: b/f"],
    becomes: REFUSED_HEADER,
  },
  { client: `${BOTO} delete`, method: "DELETE", uri: "/b/c", headers: READ, becomes: 200 },
  {
    client: `${BOTO} delete many`,
    method: "POST",
    uri: "/b?delete",
    headers: [...write("<Delete/>"), ...CRC],
    body: "<Delete/>",
    becomes: 200,
    arrives: CRC_ARRIVES,
  },
  {
    client: `${BOTO} attributes`,
    method: "GET",
    uri: "/b/f?attributes",
    headers: [...READ, "x-amz-object-attributes: ETag"],
    becomes: 200,
    arrives: { "x-amz-object-attributes": "ETag" },
  },
  {
    client: `${BOTO} put in chunks`,
    method: "PUT",
    uri: "/b/k",
    headers: [
      ...SDK,
      "Content-Encoding: aws-chunked",
      "X-Amz-Trailer: x-amz-checksum-crc32",
      "X-Amz-Decoded-Content-Length: 5",
      "x-amz-sdk-checksum-algorithm: CRC32",
      "X-Amz-Content-SHA256: STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    ],
    body: "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
    content: "hello",
    becomes: 200,
    arrives: CRC_ARRIVES,
  },
  {
    client: `${BOTO} DynamoDB`,
    method: "POST",
    uri: "/",
    headers: [...SDK, "X-Amz-Target: DynamoDB_20120810.GetItem", "Content-Type: application/x-amz-json-1.0"],
    body: "{}",
    service: "dynamodb",
    becomes: REFUSED_HEADER,
  },
  {
    client: `${BOTO} SQS`,
    method: "POST",
    uri: "/",
    headers: [...SDK, "X-Amz-Target: AmazonSQS.SendMessage", "x-amzn-query-mode: true"],
    body: "{}",
    service: "sqs",
    becomes: REFUSED_HEADER,
  },
  {
    client: `${BOTO} Lambda, asynchronous`,
    method: "POST",
    uri: "/2015-03-31/functions/f/invocations",
    headers: [...SDK, "X-Amz-Invocation-Type: Event"],
    body: "{}",
    service: "lambda",
    becomes: REFUSED_HEADER,
  },
  {
    client: `${BOTO} Lambda, with its log`,
    method: "POST",
    uri: "/2015-03-31/functions/f/invocations",
    headers: [...SDK, "X-Amz-Log-Type: Tail", "X-Amz-Client-Context: e30="],
    body: "{}",
    service: "lambda",
    becomes: REFUSED_HEADER,
  },
  {
    client: `${JS} Lambda, streamed`,
    method: "POST",
    uri: "/2021-11-15/functions/f/response-streaming-invocations",
    headers: [...write("{}"), "x-amz-user-agent: aws-sdk-js/3"],
    body: "{}",
    service: "lambda",
    becomes: 200,
  },
  {
    client: `${BOTO} STS`,
    method: "POST",
    uri: "/",
    headers: [...SDK, "Content-Type: application/x-www-form-urlencoded"],
    body: "Action=GetCallerIdentity",
    service: "sts",
    becomes: 200,
  },
  {
    client: `${BOTO} Glacier`,
    method: "GET",
    uri: "/-/vaults",
    headers: [...SDK, "x-amz-glacier-version: 2012-06-01"],
    service: "glacier",
    becomes: 200,
    arrives: { "x-amz-glacier-version": "2012-06-01" },
  },
  {
    client: `${JS} put`,
    method: "PUT",
    uri: "/b/k?x-id=PutObject",
    headers: [...write("hello"), ...CRC, "x-amz-user-agent: aws-sdk-js/3"],
    body: "hello",
    becomes: 200,
    arrives: CRC_ARRIVES,
  },
  {
    client: `${JS} part`,
    method: "PUT",
    uri: "/b/up?partNumber=1&uploadId=60567973db6b&x-id=UploadPart",
    headers: [...write("part"), ...CRC],
    body: "part",
    becomes: 200,
  },
  { client: `${JS} begin`, method: "POST", uri: "/b/up?uploads=", headers: READ, becomes: 200 },
  { client: `${JS} get`, method: "GET", uri: "/b/f?x-id=GetObject", headers: READ, becomes: 200 },
  { client: `${JS} list`, method: "GET", uri: "/b/?list-type=2", headers: READ, becomes: 200 },
  {
    client: `${JS} delete many`,
    method: "POST",
    uri: "/b/?delete=",
    headers: write("<Delete/>"),
    body: "<Delete/>",
    becomes: 200,
  },
  {
    client: `${JS} put with classes and encryption`,
    method: "PUT",
    uri: "/b/s?x-id=PutObject",
    headers: [
      ...write("x"),
      "x-amz-acl: private",
      "x-amz-server-side-encryption: AES256",
      "x-amz-storage-class: STANDARD",
    ],
    body: "x",
    becomes: REFUSED_HEADER,
  },
  {
    client: "aws4fetch put",
    method: "PUT",
    uri: "/b/a4",
    headers: ["X-Amz-Content-Sha256: UNSIGNED-PAYLOAD", "X-Amz-Date: 20261128T202938Z"],
    body: "hello",
    becomes: 200,
  },
  {
    client: "awscli 2 ls",
    method: "GET",
    uri: "/b?list-type=2&prefix=&delimiter=%2F&encoding-type=url",
    headers: READ,
    becomes: 200,
  },
  { client: "awscli 2 cp down", method: "HEAD", uri: "/b/big", headers: READ, becomes: 200 },
  {
    client: "awscli 2 cp between buckets",
    method: "PUT",
    uri: "/b/d/copy",
    headers: [...READ, "x-amz-copy-source: b/d/small"],
    becomes: REFUSED_HEADER,
  },
  {
    client: "awscli 2 cp with --request-payer",
    method: "GET",
    uri: "/b/big",
    headers: [...READ, "x-amz-request-payer: requester"],
    becomes: REFUSED_HEADER,
  },
  {
    client: "s3cmd put",
    method: "PUT",
    uri: "/b/sc",
    headers: [
      `x-amz-content-sha256: ${sha256("hello")}`,
      "x-amz-date: 20261128T202938Z",
      "x-amz-meta-s3cmd-attrs: atime:1795897734/gid:0",
      "x-amz-storage-class: STANDARD",
    ],
    body: "hello",
    becomes: 200,
    arrives: { "x-amz-meta-s3cmd-attrs": "atime:1795897734/gid:0" },
  },
  {
    client: "minio list of uploads",
    method: "GET",
    uri: "/bkt?uploads&delimiter=&max-uploads=1000&prefix=m2",
    headers: READ,
    becomes: 200,
  },
  {
    client: "rclone put",
    method: "PUT",
    uri: "/b/rcs/a%20b.txt",
    headers: [
      "X-Amz-Acl: private",
      "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD",
      "X-Amz-Meta-Mtime: 1795897818.06826031",
      "X-Amz-Date: 20261128T202938Z",
    ],
    body: "hello",
    becomes: 200,
    arrives: { "x-amz-meta-mtime": "1795897818.06826031" },
  },
  {
    client: "rclone ls",
    method: "GET",
    uri: "/b?delimiter=&encoding-type=url&list-type=2&max-keys=1000&prefix=rc%2F",
    headers: READ,
    becomes: 200,
  },
  {
    client: "a client whose body is aws-chunked, with only Content-Encoding",
    method: "PUT",
    uri: "/b/ck0",
    headers: [
      ...write("5\r\nhello\r\n0\r\n\r\n"),
      "content-encoding: gzip,aws-chunked",
      "x-amz-decoded-content-length: 5",
    ],
    body: "5\r\nhello\r\n0\r\n\r\n",
    becomes: [400, "invalid_field"],
  },
  {
    client: "a client that signs its chunks",
    method: "PUT",
    uri: "/b/ck1",
    headers: [
      "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
      "x-amz-decoded-content-length: 5",
      "content-encoding: aws-chunked,gzip",
    ],
    body: `5;chunk-signature=${EMPTY}\r\nhello\r\n0;chunk-signature=${EMPTY}\r\n\r\n`,
    content: "hello",
    becomes: 200,
    arrives: { "content-encoding": "gzip" },
  },
];
