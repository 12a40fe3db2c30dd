import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer, request as sendHttps } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { AUTHORITY } from "./service.js";
import { portOf } from "./target.js";

/** @import { IncomingMessage, ServerResponse } from "node:http" */

/*
 * A browser that has logged in with Basic once adds the credentials to every later request to that origin, whichever site sends it,
 * also to the handshake of a WebSocket.
 * The service never asks a browser to log in, so a server in front of it does, as other software at the same name would.
 */

const LOGIN = "/login";

/**
 * What the service got from the browser when another site had it send a request, and its response.
 *
 * @typedef {{ scheme: string | undefined, site: string | undefined, status: number, challenge: string | undefined }} Attempt
 * @typedef {{ webSockets: readonly Attempt[], form: Attempt }} Attack `webSockets`: of a page of the service's name, then of the
 *   attacker's.
 */

/**
 * Serves a login page at the service's name, which opens a WebSocket to that name, and an attacker's page that opens one too, and then
 * sends a form to it.
 *
 * @param {{ directory: string, port: number, token: string }} options `port` of the service.
 * @returns {Promise<{ url: string, port: number, seen: Promise<Attack>, end: () => Promise<void> }>} `url`: where the browser
 *   begins, `port`: where it must reach the service's name.
 */
export async function serveLogin({ directory, port, token }) {
  const attacker = await listen(createHttpServer((_request, response) => sendHtml(response, PAGE)));
  /** @type {(attack: Attack) => void} */
  let report = () => {};
  /** @type {Promise<Attack>} */
  const seen = new Promise((resolve) => (report = resolve));

  /** @type {Attempt[]} */
  const webSockets = [];
  /** @type {(request: IncomingMessage) => Promise<Attempt>} */
  const attempt = async (request) => {
    const scheme = request.headers.authorization?.split(" ", 1)[0];
    const site = request.headers["sec-fetch-site"]?.toString();
    return { scheme, site, ...(await forward(request, port)) };
  };
  /** @type {(request: IncomingMessage, response: ServerResponse) => Promise<void>} */
  const respond = async (request, response) => {
    const { authorization } = request.headers;
    if (request.url === LOGIN && authorization === undefined)
      return void response.writeHead(401, { "WWW-Authenticate": 'Basic realm="membrane"' }).end();
    if (request.url === LOGIN)
      return sendHtml(response, openWebSocket(`location = ${JSON.stringify(attacker.url)}`));
    const form = await attempt(request);
    response.writeHead(form.status).end();
    if (request.method === "POST") report({ webSockets, form });
  };
  /** @type {(request: IncomingMessage, socket: import("node:stream").Duplex) => Promise<void>} */
  const upgrade = async (request, socket) => {
    webSockets.push(await attempt(request));
    // After a 401, Chromium would forget the credentials.
    socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  };
  const [cert, key] = await Promise.all(["leaf.pem", "leaf.key"].map((name) => readTlsFile(directory, name)));
  const server = createHttpsServer({ cert, key }, (request, response) => {
    respond(request, response).catch(() => response.destroy());
  });
  server.on("upgrade", (request, socket) => {
    upgrade(request, socket).catch(() => socket.destroy());
  });
  const front = await listen(server);
  return {
    url: `https://git:${token}@${AUTHORITY}${LOGIN}`,
    port: front.port,
    seen,
    async end() {
      await front.end();
      await attacker.end();
    },
  };
}

/** @param {string} then JavaScript that runs once it is closed. */
const openWebSocket = (then) =>
  `<script>new WebSocket("wss://${AUTHORITY}/").onclose = () => { ${then} };</script>`;

const PAGE = `<form method="post" enctype="text/plain" action="https://${AUTHORITY}/"><input name="a" value="b"></form>
${openWebSocket("document.forms[0].submit()")}`;

/**
 * Sends a request to the service, without the check of its certificate: the service is on this machine.
 *
 * @param {number} port
 * @param {{ method?: string | undefined, headers: import("node:http").OutgoingHttpHeaders, body?: string }} request
 */
export async function sendToService(port, { method = "GET", headers, body = "" }) {
  const options = { host: "127.0.0.1", port, method, headers: { Host: AUTHORITY, ...headers } };
  const request = sendHttps({ ...options, rejectUnauthorized: false, agent: false });
  /** @type {Promise<IncomingMessage>} */
  const responded = new Promise((resolve, reject) => {
    request.on("response", resolve).on("upgrade", resolve).on("error", reject);
  });
  request.end(body);
  const response = await responded;
  return {
    status: response.statusCode ?? 0,
    challenge: response.headers["www-authenticate"],
    body: await text(response),
  };
}

/**
 * Exports a target with the capabilities of the first tenant.
 *
 * @param {import("./service.js").Service} service
 * @param {string} uri
 * @returns {Promise<string>} its token.
 */
export async function exportTarget({ port, capabilities }, uri) {
  /** @type {{ capabilities: { export: string } }} */
  const membrane = await post(port, capabilities.create, { id: "basic login" });
  /** @type {{ capability: string }} */
  const exported = await post(port, membrane.capabilities.export, { uri });
  return tokenOf(exported.capability);
}

/**
 * @param {number} port
 * @param {string} capability
 * @param {object} body
 */
async function post(port, capability, body) {
  const headers = { Authorization: `Bearer ${tokenOf(capability)}` };
  const response = await sendToService(port, { method: "POST", headers, body: JSON.stringify(body) });
  return JSON.parse(response.body);
}

/** @param {string} capability */
function tokenOf(capability) {
  return capability.slice(capability.indexOf("#") + 1);
}

/** @param {string} token */
export function basic(token) {
  return `Basic ${Buffer.from(`git:${token}`).toString("base64")}`;
}

/**
 * @param {IncomingMessage} request
 * @param {number} port
 */
async function forward(request, port) {
  const { method, headers } = request;
  const body = headers.upgrade === undefined ? await text(request) : "";
  const { status, challenge } = await sendToService(port, { method, headers, body });
  return { status, challenge };
}

/**
 * @param {ServerResponse} response
 * @param {string} html
 */
function sendHtml(response, html) {
  response
    .setHeader("Content-Type", "text/html")
    .end(`<!doctype html><link rel="icon" href="data:,">${html}`);
}

/**
 * @param {string} directory
 * @param {string} name
 */
function readTlsFile(directory, name) {
  return readFile(join(directory, "data", "tls", name), "utf8");
}

/** @param {import("node:http").Server} server */
async function listen(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server);
  return {
    port,
    url: `http://127.0.0.1:${port}/`,
    async end() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
