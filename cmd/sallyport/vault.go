package main

import (
	"context"
	"log/slog"

	"sallyport/appliance"
	"sallyport/board/boot"
	"sallyport/board/steward"
	"sallyport/board/tpm"
)

// stewardVault is the machine's TPM for a node, which reaches it through the
// steward; nil where there is none.
func stewardVault(ctx context.Context) appliance.Vault {
	c := steward.NewClient(boot.StewardSocket, slog.Default(), nil)
	if c.Await(ctx) != nil || !c.Facts().TPM {
		return nil
	}
	return c
}

// ownVault is the machine's TPM for a console, which has the rights; nil where
// there is none.
func ownVault() appliance.Vault {
	if !tpm.Present() {
		return nil
	}
	return tpm.TPM{}
}
