"""The office: pages for a member's own staff, who ask through the access service and under the rule, as any client."""
