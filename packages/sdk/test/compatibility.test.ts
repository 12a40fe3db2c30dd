import { afterAll, beforeAll, expect, test } from "vitest";
import { startTarget } from "../../testkit/src/target.ts";
import type { TestTarget } from "../../testkit/src/target.ts";
import CapabilitySDK from "../src/index.ts";
import type { CapabilityError } from "../src/index.ts";
import { runScript } from "./support/run-script.ts";
import { startTlsService } from "./support/tls-service.ts";
import type { TlsService } from "./support/tls-service.ts";

let tls: TlsService;
let target: TestTarget;
let exportedCapability: string;

beforeAll(async () => {
  tls = await startTlsService();
  target = await startTarget((request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ method: request.method, greeting: "hello" }));
  });
  const membrane = CapabilitySDK.Membrane({ tls: { trustedCA: { [tls.authority]: tls.ca } } });
  const { capabilities } = await membrane.create(tls.create, { id: "old" });
  exportedCapability = (await membrane.export(capabilities.export, { uri: target.url })).capability;
});

afterAll(async () => {
  await target[Symbol.asyncDispose]();
  await tls[Symbol.asyncDispose]();
});

test("classes can be called without new, and the result is an instance of the class", () => {
  const membrane = CapabilitySDK.Membrane();
  expect(membrane).toBeInstanceOf(CapabilitySDK.Membrane);
  expect(new CapabilitySDK.Membrane(null)).toBeInstanceOf(CapabilitySDK.Membrane);
  expect(CapabilitySDK()).toBeInstanceOf(CapabilitySDK);
  expect(new CapabilitySDK()).toBeInstanceOf(CapabilitySDK);
  expect(CapabilitySDK().version).toBe(CapabilitySDK.version);
});

const PROGRAM = `
const CapabilitySDK = require("capability-sdk");
const membrane = new CapabilitySDK.Membrane();
membrane.create(process.env.CREATE, { id: "twice" }, (error, resp) => {
  if (error) return console.error(error, error.stack);
  console.log(resp.id);
  membrane.create(process.env.CREATE, { id: "twice" }, error => {
    console.log(JSON.stringify(error));
    console.log(JSON.stringify(Object.keys(error).sort()));
    console.log(error.error + "|" + error.statusCode + "|" + error.message.length);
    console.error(error, error.stack);
  });
});
`;

test("an error has error, statusCode and message as own properties, in JSON and on the console", async () => {
  const { code, stdout, stderr } = await runScript(PROGRAM, {
    type: "commonjs",
    extraCa: tls.ca,
    env: { CREATE: tls.create },
  });
  expect(code).toBe(0);
  const [id, json, keys, fields] = stdout.trimEnd().split("\n");
  expect(id).toBe("twice");
  const body = JSON.parse(json!) as CapabilityError;
  expect(body).toMatchObject({ statusCode: 409, error: "Conflict", code: "membrane_exists" });
  expect(body.message).not.toBe("");
  expect(JSON.parse(keys!)).toEqual(expect.arrayContaining(["code", "error", "statusCode"]));
  expect(fields).toBe(`Conflict|409|${body.message.length}`);
  expect(stderr).toContain(`CapabilityError: ${body.message}`);
  expect(stderr).toContain("statusCode: 409");
  expect(stderr).toContain("error: 'Conflict'");
});

const EVENTS = `
const CapabilitySDK = require("capability-sdk");
const req = CapabilitySDK.request(process.env.DOOR);
req.on("response", resp => {
  console.log("STATUS: " + resp.statusCode);
  resp.setEncoding("utf8");
  resp.on("data", chunk => console.log("BODY: " + chunk));
  resp.on("end", () => console.log("No more data in response."));
});
req.on("error", error => console.error("problem with request: " + error.message));
req.write("my data to write");
req.end();
`;

test("request with only a capability returns a ClientRequest with Node's events", async () => {
  const result = await runScript(EVENTS, {
    type: "commonjs",
    extraCa: tls.ca,
    env: { DOOR: exportedCapability },
  });
  expect(result).toEqual({
    code: 0,
    stdout: 'STATUS: 200\nBODY: {"method":"GET","greeting":"hello"}\nNo more data in response.\n',
    stderr: "",
  });
  expect(target.requests.at(-1)?.body.toString()).toBe("my data to write");
});

test("a request that fails emits one error and no response", async () => {
  const events: string[] = [];
  const request = CapabilitySDK.request(exportedCapability);
  request.on("response", () => events.push("response"));
  await new Promise<void>((resolve) => {
    request.on("error", (error: Error & { code?: string }) => events.push(String(error.code)));
    request.on("close", resolve);
    request.end();
  });
  expect(events).toEqual(["UNABLE_TO_VERIFY_LEAF_SIGNATURE"]);
});

test("the callback of request is called with the response, like a listener", async () => {
  const status = await new Promise((resolve, reject) => {
    const request = CapabilitySDK.request(
      exportedCapability,
      { ca: tls.ca, method: "DELETE" },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    request.on("error", reject);
    request.end();
  });
  expect(status).toBe(200);
  expect(target.requests.at(-1)?.method).toBe("DELETE");
});

test("requestReply with the caller's Content-Length sends the payload and returns the JSON of the response", async () => {
  const payload = JSON.stringify({ hi: "ö/" });
  const response = await new Promise((resolve, reject) => {
    CapabilitySDK.requestReply(
      exportedCapability,
      { ca: tls.ca, method: "POST", headers: { "Content-Length": Buffer.byteLength(payload, "utf8") } },
      payload,
      (error, response) => (error ? reject(error) : resolve(response)),
    );
  });
  expect(response).toEqual({ method: "POST", greeting: "hello" });
  expect(target.requests.at(-1)?.body.toString()).toBe(payload);
});
