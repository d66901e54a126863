package main

import (
	"context"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/admin"
)

// auditLog lists what operators did.
func auditLog(ctx context.Context, k *call) (int, error) {
	query := admin.AuditQuery{AuditFilter: k.audit, Limit: k.limit, Cursor: k.cursor}
	query.Workflow = k.workflow
	page, err := k.admin.Audit(ctx, query)
	if err != nil {
		return exitOK, err
	}
	if k.json {
		for _, r := range page.Items {
			if err := k.print(r); err != nil {
				return exitOK, err
			}
		}
		k.more(page.Next)
		return exitOK, nil
	}
	t := k.table("WHEN", "BY", "OPERATION", "WORKFLOW", "TARGET", "COUNT", "REASON")
	for _, r := range page.Items {
		t.row(k.ago(r.At), r.By, r.Operation, r.Workflow, r.Target, fmt.Sprint(r.Count), r.Reason)
	}
	t.end()
	k.more(page.Next)
	return exitOK, nil
}
