package main

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPricesAreServed(t *testing.T) {
	for path, want := range map[string]string{"/healthz": "", "/prices": `"compass":1200`} {
		answer := httptest.NewRecorder()
		handler().ServeHTTP(answer, httptest.NewRequest("GET", path, nil))
		if answer.Code != 200 || !strings.Contains(answer.Body.String(), want) {
			t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
		}
	}
}
