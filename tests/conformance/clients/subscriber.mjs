// A plain HTTP server of Node's takes a notification, and @medplum/core reads what it is about.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/ and RFC 7515, appendix F, for the signature.
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { MedplumClient } from '@medplum/core';

const baseUrl = process.env.FHIR.replace(/fhir$/, '');
const as = (accessToken) =>
  new MedplumClient({ baseUrl, fhirUrlPath: 'fhir', tokenUrl: `${baseUrl}auth/token`, accessToken, cacheTime: 0 });
const district = as(process.env.DISTRICT);
const clinic = as(process.env.CLINIC);
const EXTENSION = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/';

const taken = [];
const server = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  taken.push({ body: Buffer.concat(pieces), signature: request.headers['x-jws-signature'] });
  response.writeHead(200).end();
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');

const until = async (found) => {
  const ends = Date.now() + 60_000;
  for (let value = await found(); ; value = await found()) {
    if (value) return value;
    assert.ok(Date.now() < ends, 'it did not come in time');
    await new Promise((done) => setTimeout(done, 100));
  }
};
const status = ({ body }) => JSON.parse(body).entry[0].resource.parameter;
const value = (parameters, name) => parameters.find((p) => p.name === name);

const content = { extension: [{ url: `${EXTENSION}backport-payload-content`, valueCode: 'id-only' }] };
const endpoint = `http://127.0.0.1:${server.address().port}/hook`;
const made = await clinic.createResource({
  resourceType: 'Subscription',
  meta: { profile: [`${EXTENSION}backport-subscription`] },
  status: 'requested',
  reason: 'To know of referrals',
  criteria: 'https://hallpass.example/fhir/SubscriptionTopic/referral',
  channel: { type: 'rest-hook', endpoint, payload: 'application/fhir+json', _payload: content },
});
await until(async () => (await clinic.readResource('Subscription', made.id)).status === 'active');
assert.equal(value(status(taken[0]), 'type').valueCode, 'handshake');

const referral = await clinic.searchOne('ServiceRequest');
const own = await district.readResource('ServiceRequest', referral.id);
const priority = own.priority === 'urgent' ? 'routine' : 'urgent';
await district.updateResource({ ...own, priority });
const told = await until(() => taken.find((t) => value(status(t), 'type').valueCode === 'event-notification'));
const event = value(status(told), 'notification-event').part;
assert.equal(value(event, 'event-number').valueString, '1');
const reference = value(event, 'focus').valueReference.reference.split('/').slice(-2).join('/');
assert.equal((await clinic.readReference({ reference })).priority, priority);

const [head, , signature] = told.signature.split('.');
const { kid, alg } = JSON.parse(Buffer.from(head, 'base64url'));
assert.equal(alg, 'ES384');
const { keys } = await (await fetch(`${baseUrl}auth/jwks`)).json();
const key = createPublicKey({ key: keys.find((k) => k.kid === kid), format: 'jwk' });
const signed = Buffer.from(`${head}.${told.body.toString('base64url')}`);
assert.ok(verify('sha384', signed, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')));

await clinic.deleteResource('Subscription', made.id);
server.close();
server.closeAllConnections();
console.log('done');
