import { configureCommand } from "../capability/named-profile.ts";
import type { RequestContext } from "./request-context.ts";

/** What a connection failed of, and what to do. */
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
  if (code.startsWith("HPE_")) return notMembraneService(authority, "does not answer in HTTP");
  switch (code) {
    case "CERT_HAS_EXPIRED":
      return {
        message: `the certificate of ${authority} has expired`,
        hint: "Check this machine's clock. A service with a CA of its own renews its certificate when it is started again.",
      };
    case "CERT_NOT_YET_VALID":
      return {
        message: `the certificate of ${authority} is not valid yet`,
        hint: "Check the clocks of this machine and of the service's.",
      };
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return {
        message: `the certificate that answers for ${authority} is for another name`,
        hint: `The service behind it is to be started with --authority ${authority} (or --authority-alias), with a certificate for that name.`,
      };
    case "EPROTO":
    case "ERR_SSL_WRONG_VERSION_NUMBER":
      return notMembraneService(
        authority,
        "does not speak TLS there; a capability is never sent without it",
        "If the service was started with --no-tls, it needs a proxy in front of it that speaks TLS.",
      );
    case "ECONNREFUSED":
      return {
        message: `nothing answers at ${withPort(authority)}`,
        hint: `Is the service running? "membrane serve" starts it, "membrane doctor" on its machine says what is wrong.`,
      };
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return {
        message: `the name of ${authority} is not known here`,
        hint: "Check the authority in the capability URI, and this machine's connection and name servers.",
      };
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return {
        message: `there is no way to ${withPort(authority)} from here`,
        hint: "Check this machine's connection.",
      };
    case "ETIMEDOUT":
    case "ABORT_ERR":
      return {
        message: `${withPort(authority)} did not answer in time`,
        hint: "Check the connection, and that no firewall is in between. What was asked for may have happened all the same.",
      };
    case "ECONNRESET":
    case "EPIPE":
      return {
        message: `${withPort(authority)} closed the connection before it answered`,
        hint: "Try again. What was asked for may have happened all the same.",
      };
    default:
      return {
        message: `no answer from ${withPort(authority)} (${code})`,
        hint: '"membrane doctor" on the machine of the service says whether it is well.',
      };
  }
}

function untrusted(code: string, context: RequestContext): ConnectionAdvice {
  return {
    message: `${context.authority} shows a certificate from an authority that is not trusted here (${code})`,
    hint: [
      "Trust its CA for this once:   --cacert FILE",
      `or for good:                  ${configureCommand(context.sourceProfile ?? context.profile)} --cacert FILE`,
      "A service that made its own CA keeps it in its data directory, at tls/ca.pem.",
    ].join("\n"),
  };
}

function notMembraneService(authority: string, finding: string, detail = ""): ConnectionAdvice {
  return {
    message: `${withPort(authority)} ${finding}`,
    hint: `Check the authority in the capability URI: does a Membrane Service answer there? ${detail}`.trimEnd(),
  };
}

function withPort(authority: string): string {
  return /:[0-9]{1,5}$/.test(authority) ? authority : `${authority}:443`;
}
