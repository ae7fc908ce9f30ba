// fhir-kit-client, as its README uses it. https://github.com/Vermonster/fhir-kit-client
import assert from 'node:assert/strict';
import { Client } from 'fhir-kit-client';

const client = new Client({ baseUrl: process.env.FHIR, bearerToken: process.env.DISTRICT });
const own = { resourceType: 'Patient', name: [{ family: 'Kit' }], identifier: [{ system: 'urn:test', value: 'kit-1' }] };
const status = (work) => work.then(() => 200, (e) => e.response?.status ?? e.status);

assert.equal((await client.capabilityStatement()).fhirVersion, '4.0.1');
assert.match((await client.smartAuthMetadata()).tokenUrl.href, /\/auth\/token$/);

const made = await client.create({ resourceType: 'Patient', body: own });
const id = made.id;
assert.equal((await client.read({ resourceType: 'Patient', id })).id, id);
assert.equal((await client.vread({ resourceType: 'Patient', id, version: '1' })).meta.versionId, '1');
assert.equal((await client.update({ resourceType: 'Patient', id, body: { ...made, gender: 'male' } })).meta.versionId, '2');
const found = { identifier: 'urn:test|kit-1' };
await client.update({ resourceType: 'Patient', searchParams: found, body: { ...made, gender: 'female' } });
const jsonPatch = [{ op: 'replace', path: '/gender', value: 'other' }];
assert.equal((await client.patch({ resourceType: 'Patient', id, jsonPatch })).gender, 'other');

assert.equal((await client.search({ resourceType: 'Patient', searchParams: found })).total, 1);
assert.equal((await client.search({ resourceType: 'Patient', searchParams: found, options: { postSearch: true } })).total, 1);
assert.ok((await client.systemSearch({ searchParams: { _type: 'Patient', _count: 1 } })).total > 40);
const compartment = { resourceType: 'Patient', id };
assert.equal((await client.compartmentSearch({ resourceType: 'RelatedPerson', compartment })).total, 0);

const first = await client.search({ resourceType: 'Patient', searchParams: { _count: 30 } });
const second = await client.nextPage({ bundle: first });
assert.equal(first.entry.length + second.entry.length, first.total);
assert.equal((await client.prevPage({ bundle: second })).entry.length, 30);

assert.equal((await client.history({ resourceType: 'Patient', id })).total, 4);
assert.equal((await client.history({ resourceType: 'Patient' })).type, 'history');
assert.equal((await client.history({})).type, 'history');
for (const method of ['get', 'post']) {
  assert.equal((await client.operation({ name: 'everything', resourceType: 'Patient', id, method })).type, 'searchset');
}
const input = { resourceType: 'Patient', gender: 'unheard-of' };
const judged = await client.operation({ name: '$validate', resourceType: 'Patient', input });
assert.deepEqual(judged.issue[0].expression, ['Patient.gender']);

const entry = [{ request: { method: 'GET', url: 'Patient?_count=1' } }, { request: { method: 'GET', url: 'Patient/none' } }];
const batch = await client.batch({ body: { resourceType: 'Bundle', type: 'batch', entry } });
assert.deepEqual(batch.entry.map((e) => e.response.status.slice(0, 3)), ['200', '404']);
const create = { resource: { ...own, identifier: [{ system: 'urn:test', value: 'kit-2' }] }, request: { method: 'POST', url: 'Patient' } };
const transaction = await client.transaction({ body: { resourceType: 'Bundle', type: 'transaction', entry: [create] } });
assert.equal(transaction.entry[0].response.status, '201 Created');
assert.equal((await client.resolve({ reference: `Patient/${id}` })).id, id);

await client.delete({ resourceType: 'Patient', id });
assert.equal(await status(client.read({ resourceType: 'Patient', id })), 410);
const stranger = new Client({ baseUrl: process.env.FHIR, bearerToken: process.env.CLINIC });
assert.equal(await status(stranger.read({ resourceType: 'Patient', id })), 404);
console.log('done');
