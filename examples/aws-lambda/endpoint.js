// An endpoint like the Invoke API of AWS Lambda, for use on one machine. It runs no function: it responds with the request that it
// received, if and only if the signature is valid.
import { once } from "node:events";
import { createServer } from "node:https";
import { verifySignature } from "./signature.js";

const INVOCATIONS = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

/**
 * @param {{ tls: { cert: string, key: string }, functionName: string,
 *   credentials: { accessKeyId: string, secretAccessKey: string, region: string } }} options
 * @returns {Promise<{ port: number, close: () => Promise<void> }>}
 */
export async function startEndpoint({ tls, functionName, credentials }) {
  const server = createServer(tls, async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const refusal = await verifySignature(
      { method: request.method ?? "", url: request.url ?? "", headers: request.headers, body },
      { ...credentials, service: "lambda" },
      new Date(),
    );
    const name = INVOCATIONS.exec(request.url ?? "")?.[1];
    if (refusal !== undefined) return respond(response, 403, refusal, `The request was refused: ${refusal}`);
    if (name !== functionName)
      return respond(response, 404, "ResourceNotFoundException", `Function not found: ${name}`);
    response.writeHead(200, { "Content-Type": "application/json", "X-Amz-Executed-Version": "$LATEST" });
    response.end(JSON.stringify({ function: name, payload: body.toString("utf8") }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the endpoint listens on no port");
  return {
    port: address.port,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/**
 * @param {import("node:http").ServerResponse} response
 * @param {number} status
 * @param {string} type
 * @param {string} message
 */
function respond(response, status, type, message) {
  response.writeHead(status, { "Content-Type": "application/json", "X-Amzn-ErrorType": type });
  response.end(JSON.stringify({ message }));
}
