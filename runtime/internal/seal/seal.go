// Package seal encrypts the personal fields of payloads and decrypts them. It knows JSON and keys, and no store.
//
// In a sealed payload, a token stands in place of the value of each personal field:
//
//	{"email":{"$personal":[1,"customer-7","k3Jx…"]}}
//
// It has the form, the subject whose key encrypts the value, and the value as base64: a random nonce of 12 bytes, followed by the value's JSON under
// AES-256-GCM. The workflow and the id of the instance are authenticated with it, so that a token is of no use in another instance. An empty
// text is a value that is erased. Form 0 has the value itself; exported instances have it. Form 2 has a value that is not personal and looks like a
// token, such as one that a client sent in a field of type json.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// SecretSize is the size of a key in bytes.
const SecretSize = 32

// NewSecret returns a random key.
func NewSecret() []byte {
	secret := make([]byte, SecretSize)
	_, _ = rand.Read(secret) // it never fails
	return secret
}

// Key is the key of a subject, ready for use. The zero Key is that of a subject without a key: it makes erased values, and opens none.
type Key struct{ aead cipher.AEAD }

// NewKey returns the key of a secret, the zero Key for an empty one.
func NewKey(secret []byte) (Key, error) {
	if len(secret) == 0 {
		return Key{}, nil
	}
	if len(secret) != SecretSize {
		return Key{}, fmt.Errorf("it has %d bytes, not %d", len(secret), SecretSize)
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return Key{}, err
	}
	aead, err := cipher.NewGCM(block)
	return Key{aead}, err
}

// UselessKey returns a key that opens nothing, in place of one that is damaged: tokens stay as they are.
func UselessKey() Key {
	key, _ := NewKey(NewSecret()) // it cannot fail for a secret of this size
	return key
}

// Erased reports whether the subject has no key.
func (k Key) Erased() bool { return k.aead == nil }

func bound(instance store.InstanceKey) []byte {
	return []byte(instance.Workflow + "\x00" + instance.ID)
}

// encrypt returns a value as a token has it.
func (k Key) encrypt(instance store.InstanceKey, value []byte) string {
	if k.Erased() {
		return ""
	}
	nonce := make([]byte, k.aead.NonceSize(), k.aead.NonceSize()+len(value)+k.aead.Overhead())
	_, _ = rand.Read(nonce) // it never fails
	return base64.StdEncoding.EncodeToString(k.aead.Seal(nonce, nonce, value, bound(instance)))
}

// errForeign says that a text was not encrypted with the key for the instance.
var errForeign = errors.New("not encrypted with the key for the instance")

// decrypt is the reverse of encrypt.
func (k Key) decrypt(instance store.InstanceKey, text string) ([]byte, error) {
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(sealed) < k.aead.NonceSize() {
		return nil, errForeign
	}
	nonce, sealed := sealed[:k.aead.NonceSize()], sealed[k.aead.NonceSize():]
	value, err := k.aead.Open(nil, nonce, sealed, bound(instance))
	if err != nil || !json.Valid(value) {
		return nil, errForeign
	}
	return value, nil
}
