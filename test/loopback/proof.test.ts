import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { credentialOf, isNonce, newNonce, proofOf, verifyProof } from '../../src/loopback/proof.js';

const secret = 's'.repeat(64);
const challenge = { nonce: '0123456789abcdef', port: 3001, instance: 'fedcba9876543210' };

describe('proof of identity', () => {
  it('is an HMAC over nonce, port and instance', () => {
    const expected = createHmac('sha256', secret).update('whois|0123456789abcdef|3001|fedcba9876543210').digest('hex');
    assert.equal(proofOf(secret, challenge), expected);
    assert.ok(verifyProof(secret, challenge, expected));
  });

  it('holds for nothing else', () => {
    const proof = proofOf(secret, challenge);
    assert.ok(!verifyProof('another', challenge, proof));
    assert.ok(!verifyProof(secret, { ...challenge, nonce: newNonce() }, proof));
    assert.ok(!verifyProof(secret, { ...challenge, port: 3002 }, proof));
    assert.ok(!verifyProof(secret, { ...challenge, instance: '0000000000000000' }, proof));
    for (const wrong of ['', proof.slice(1), `${proof}0`, 'é'.repeat(32)]) {
      assert.ok(!verifyProof(secret, challenge, wrong), wrong);
    }
  });

  it('is no credential, and a credential is of one instance', () => {
    const credential = credentialOf(secret, challenge.instance);
    assert.match(credential, /^[0-9a-f]{64}$/);
    assert.notEqual(credential, proofOf(secret, challenge));
    assert.notEqual(credential, credentialOf(secret, '0000000000000000'));
    assert.notEqual(credential, credentialOf('another', challenge.instance));
  });

  it('knows a nonce', () => {
    assert.ok(isNonce(newNonce()));
    assert.notEqual(newNonce(), newNonce());
    for (const wrong of [null, undefined, '', '0'.repeat(15), '0'.repeat(129), `${'0'.repeat(16)}|`, 'g'.repeat(16)]) {
      assert.ok(!isNonce(wrong), String(wrong));
    }
  });
});
