"""Who may call, what, and which items are his: `bertine serve --callers FILE`.

A call's path: its key (`keys`) names a caller (`caller`) of those that the file holds (`file`,
`watch`); `admission` compares what the method needs (`methods`) with what he may. What he may see
and write is then asked of `admission.admitted` by the servicers. docs/callers.md says how it is
used.
"""
