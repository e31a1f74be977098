package pando_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pandodb/pando"
)

// TestUnknownParameter: a parameter that is not there, or a value that is none of
// its own, is the caller's mistake and named as that.
func TestUnknownParameter(t *testing.T) {
	for parameter, says := range map[string]string{
		"maxSession":                      "did you mean 'maxSessions'?",
		"transactionLifetimeLimitSeconds": "Did not consume whole string.",
	} {
		_, err := pando.Open(context.Background(), pando.Options{DBPath: t.TempDir(), Parameters: map[string]string{parameter: "many"}})
		if !errors.Is(err, pando.ErrOption) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", parameter, err)
		}
	}
}
