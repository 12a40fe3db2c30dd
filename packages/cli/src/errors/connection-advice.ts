import { configureCommand } from "../capability/profile-option.ts";
import type { RequestContext } from "./request-context.ts";

/** Why a connection failed, and what to do. */
export interface ConnectionAdvice {
  readonly message: string;
  readonly hint: string;
}

const UNTRUSTED_CODES: ReadonlySet<string> = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_GET_ISSUER_CERT",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
]);

/** @param code of the error that Node, OpenSSL or the operating system gave. */
export function adviseOnConnection(code: string, context: RequestContext): ConnectionAdvice {
  const { authority } = context;
  if (UNTRUSTED_CODES.has(code)) return untrusted(code, context);
  if (code.startsWith("HPE_")) return notMembraneService(authority, "does not speak HTTP");
  switch (code) {
    case "CERT_HAS_EXPIRED":
      return {
        message: `the certificate of ${authority} has expired`,
        hint: "Check this machine's clock. A service with a private CA renews its certificate when it is restarted.",
      };
    case "CERT_NOT_YET_VALID":
      return {
        message: `the certificate of ${authority} is not valid yet`,
        hint: "Check the clocks of this machine and of the service's.",
      };
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return {
        message: `the certificate of ${authority} is for another name`,
        hint: `Start the service with --authority ${authority} (or --authority-alias) and a certificate for that name.`,
      };
    case "EPROTO":
    case "ERR_SSL_WRONG_VERSION_NUMBER":
      return notMembraneService(
        authority,
        "does not speak TLS there; a capability is never sent without TLS",
        "A service that was started with --no-tls needs a TLS proxy in front of it.",
      );
    case "ECONNREFUSED":
      return {
        message: `nothing listens at ${withPort(authority)}`,
        hint: `Is the service running? "membrane serve" starts it, "membrane doctor" on its machine reports what is wrong.`,
      };
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return {
        message: `cannot resolve ${authority}`,
        hint: "Check the authority in the capability URI, and this machine's connection and name servers.",
      };
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return {
        message: `no route to ${withPort(authority)}`,
        hint: "Check this machine's connection.",
      };
    case "ETIMEDOUT":
    case "ABORT_ERR":
      return {
        message: `${withPort(authority)} did not respond in time`,
        hint: "Check the connection and firewalls. The request may have taken effect nevertheless.",
      };
    case "ECONNRESET":
    case "EPIPE":
      return {
        message: `${withPort(authority)} closed the connection before it responded`,
        hint: "Try again. The request may have taken effect nevertheless.",
      };
    default:
      return {
        message: `no response from ${withPort(authority)} (${code})`,
        hint: 'Run "membrane doctor" on the machine of the service.',
      };
  }
}

function untrusted(code: string, context: RequestContext): ConnectionAdvice {
  return {
    message: `${context.authority} has a certificate from an untrusted CA (${code})`,
    hint: [
      "Trust its CA once:        --cacert FILE",
      `or permanently:           ${configureCommand(context.sourceProfile ?? context.profile)} --cacert FILE`,
      "The private CA of a service is at tls/ca.pem in its data directory.",
    ].join("\n"),
  };
}

function notMembraneService(authority: string, finding: string, detail = ""): ConnectionAdvice {
  return {
    message: `${withPort(authority)} ${finding}`,
    hint: `Check the authority in the capability URI: is it a Membrane Service? ${detail}`.trimEnd(),
  };
}

function withPort(authority: string): string {
  return /:[0-9]{1,5}$/.test(authority) ? authority : `${authority}:443`;
}
