import { join } from "node:path";
import { ensureServerCertificate } from "../../packages/service/dist/tls/server-certificate.js";
import { startEndpoint } from "./endpoint.js";

/**
 * @typedef {object} Aws
 * @property {string} region
 * @property {string} functionName
 * @property {string} accessKeyId
 * @property {string} secretAccessKey
 * @property {string} answer text in the function's response
 * @property {Readonly<Record<string, string>>} names host names that are mapped to ports of this machine
 * @property {Readonly<Record<string, string>>} environment variables that the service needs to reach it
 * @property {boolean} isLocal
 * @property {() => Promise<void>} close
 */

/** @returns {Aws | undefined} AWS itself, if there is a key for it */
export function readAws() {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_LAMBDA_FUNCTION_NAME, AWS_REGION } = process.env;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY || !AWS_LAMBDA_FUNCTION_NAME) return undefined;
  return {
    region: AWS_REGION ?? "us-east-1",
    functionName: AWS_LAMBDA_FUNCTION_NAME,
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    answer: "",
    names: {},
    environment: {},
    isLocal: false,
    close: () => Promise.resolve(),
  };
}

/**
 * @param {string} directory
 * @returns {Promise<Aws>} the endpoint of this folder, under the name of AWS's
 */
export async function startLocalAws(directory) {
  const credentials = {
    region: "us-east-1",
    accessKeyId: "AKIDEXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG",
  };
  const functionName = "hello";
  const host = `lambda.${credentials.region}.amazonaws.com`;
  const certificates = join(directory, "lambda-tls");
  const tls = await ensureServerCertificate({
    directory: certificates,
    authorities: [host],
    now: new Date(),
  });
  const endpoint = await startEndpoint({ tls, functionName, credentials });
  return {
    ...credentials,
    functionName,
    answer: `"function":"${functionName}"`,
    names: { [host]: String(endpoint.port) },
    environment: {
      NODE_EXTRA_CA_CERTS: join(certificates, "ca.pem"),
      MEMBRANE_ALLOW_TARGET: "127.0.0.0/8",
    },
    isLocal: true,
    close: endpoint.close,
  };
}
