// fhirclient, the SMART on FHIR client for JavaScript. https://github.com/smart-on-fhir/client-js
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const smart = createRequire(import.meta.url)('fhirclient');
const request = { headers: {}, url: '/', protocol: 'http', hostname: 'localhost', session: {} };
const as = (access_token) => smart(request, {}).client({ serverUrl: process.env.FHIR, tokenResponse: { access_token } });
const clinic = as(process.env.CLINIC);
const district = as(process.env.DISTRICT);

assert.equal(await clinic.getFhirVersion(), '4.0.1');
assert.equal(await clinic.getFhirRelease(), 4);

const referrals = await clinic.request('ServiceRequest', { resolveReferences: ['subject', 'performer.0'] });
assert.equal(referrals.total, 1);
const student = referrals.entry[0].resource.subject;
assert.equal(student.resourceType, 'Patient');
assert.equal(referrals.entry[0].resource.performer[0].resourceType, 'Organization');
assert.equal((await clinic.request('Patient', { pageLimit: 0, flat: true })).length, 1);

let pages = 0;
await clinic.request('RelatedPerson?_count=1', { pageLimit: 0, onPage: () => { pages += 1; } });
assert.equal(pages, 2);
const contacts = await clinic.request('RelatedPerson', { graph: true, flat: true, resolveReferences: ['patient'] });
assert.deepEqual(contacts.map((c) => c.patient.resourceType), ['Patient', 'Patient']);

clinic.state.tokenResponse.patient = student.id;
assert.equal((await clinic.patient.request('ServiceRequest')).total, 1);
assert.equal((await clinic.patient.read()).id, student.id);

const made = await district.create({ resourceType: 'Patient', name: [{ family: 'Smart' }] });
assert.equal((await district.update({ ...made, gender: 'male' })).meta.versionId, '2');
assert.equal((await district.patch(`Patient/${made.id}`, [{ op: 'add', path: '/active', value: true }])).active, true);
await district.delete(`Patient/${made.id}`);
await assert.rejects(clinic.request(`Patient/${made.id}`), /404/);
console.log('done');
