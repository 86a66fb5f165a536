"""The truth: collections, items, vectors and events in one SQLite file.

    digest        item -> digests                pure: has it changed, must it be encoded again?
    template      attributes -> text             pure
    privacy       user id -> keyed hash
    folder        the data folder and its lock
    connection    SQLite connections and errors
    schema        tables and migrations
    rows          rows <-> items
    event_tables  the tables of events           how a user is erased
    event_ages    which events are old           pure
    store         opening and reading            any number of threads
    version_pages which version each item has
    versions      conditional changes
    aliases       other names of collections
    expiry        items that have had their time
    removal       collections that were deleted, erased bit by bit
    backup, restoring  copies of one state, and back
    verify        what must hold, row by row
    changes       everything that is written     one class for each change
    writer        group commit                   the one thread that writes
    purger        erases what has had its time   a thread of its own, through the writer

Reads go through `store.Store`, writes through `writer.Writer`, which executes the classes of
`changes`. The index is a cache of what is here.
"""
