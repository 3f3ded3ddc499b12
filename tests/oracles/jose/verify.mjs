// Reads {envelope, jwk} as JSON from standard input, checks the envelope's ES384 signature as a JWS
// general serialization (RFC 7515 section 7.2.1), and prints what it saw.
import { createHash } from "node:crypto";
import { text } from "node:stream/consumers";
import { generalVerify, importJWK } from "jose";

const { envelope, jwk } = JSON.parse(await text(process.stdin));
const key = await importJWK(jwk, "ES384");
const seen = await generalVerify(
  { payload: envelope.payload, signatures: envelope.signatures },
  key,
  { algorithms: ["ES384"] },
);
const sha256 = createHash("sha256").update(seen.payload).digest("hex");
console.log(JSON.stringify({ sha256, header: seen.protectedHeader }));
