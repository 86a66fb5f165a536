-- A catalog of schema version 1, as Bertine 0.1 wrote it.
PRAGMA user_version = 1;
PRAGMA application_id = 1113944692;
BEGIN TRANSACTION;
CREATE TABLE collections (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        text_template TEXT NOT NULL,
        dimensions INTEGER NOT NULL CHECK (dimensions > 0),
        model INTEGER REFERENCES models,
        created REAL NOT NULL,
        sequence INTEGER NOT NULL,
        item_count INTEGER NOT NULL CHECK (item_count >= 0)
    ) STRICT
    ;
INSERT INTO "collections" VALUES(2,'books','{title}',2,1,2.5,7,3);
INSERT INTO "collections" VALUES(3,'empty','',2,1,3.0,4,0);
CREATE TABLE events_2 (
            key INTEGER PRIMARY KEY,
            id_digest BLOB,
            user INTEGER,
            event_id TEXT,
            item_id TEXT,
            event_type TEXT,
            time REAL,
            weight REAL,
            sequence INTEGER
        ) STRICT
        ;
INSERT INTO "events_2" VALUES(1,X'F7EE864955FEA8E769F0A05B011950CC',2,'e1','a','view',5.0,NULL,8);
INSERT INTO "events_2" VALUES(2,X'85830D3755A0AC88A51957CEF48D6C61',2,'e2','b','buy',6.0,2.0,8);
INSERT INTO "events_2" VALUES(3,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE events_3 (
            key INTEGER PRIMARY KEY,
            id_digest BLOB,
            user INTEGER,
            event_id TEXT,
            item_id TEXT,
            event_type TEXT,
            time REAL,
            weight REAL,
            sequence INTEGER
        ) STRICT
        ;
CREATE TABLE items (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
        id TEXT NOT NULL,
        text TEXT NOT NULL,
        attributes TEXT NOT NULL,
        available_from REAL,
        available_until REAL,
        version INTEGER NOT NULL,
        model INTEGER NOT NULL REFERENCES models,
        supplied INTEGER NOT NULL CHECK (supplied IN (0, 1)),
        text_digest BLOB NOT NULL,
        content_digest BLOB NOT NULL,
        UNIQUE (collection, id)
    ) STRICT
    ;
INSERT INTO "items" VALUES(1,2,'a','a whale','{"year": 1851, "subjects": ["sea", "whales"], "new": true, "price": 3.0}',NULL,NULL,5,1,0,X'20B3571456DE73FA87DAE167F1638569',X'E52E7E48F53663FBF81A04BA569B3E20');
INSERT INTO "items" VALUES(2,2,'b','a ship','{}',1.5,4000000000.0,5,1,0,X'08EADDE88EDBE54AD61788B42C4BF026',X'30B9CBA38C160AEC78D394AE15429266');
INSERT INTO "items" VALUES(3,2,'ż','','{}',NULL,NULL,5,1,1,X'72F47D690D289FEB30B170CFE6AF941E',X'B568E623BB937A76B1F8935A936267D8');
CREATE TABLE models (key INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO "models" VALUES(1,'model-a');
CREATE TABLE sequence (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        value INTEGER NOT NULL
    ) STRICT
    ;
INSERT INTO "sequence" VALUES(1,8);
CREATE TABLE users (key INTEGER PRIMARY KEY, digest BLOB) STRICT;
INSERT INTO "users" VALUES(1,NULL);
INSERT INTO "users" VALUES(2,X'7575757575757575757575757575757575757575757575757575757575757575');
CREATE TABLE vectors (
        item INTEGER PRIMARY KEY REFERENCES items ON DELETE CASCADE,
        data BLOB NOT NULL
    ) STRICT
    ;
INSERT INTO "vectors" VALUES(1,X'0000803F00000000');
INSERT INTO "vectors" VALUES(2,X'000000000000803F');
INSERT INTO "vectors" VALUES(3,X'9A99193FCDCC4C3F');
CREATE INDEX items_by_collection ON items (collection);
CREATE INDEX items_by_model ON items (collection, model);
CREATE INDEX users_by_prefix ON users (substr(digest, 1, 3)) WHERE digest IS NOT NULL
    ;
CREATE UNIQUE INDEX events_2_by_id ON events_2 (id_digest) WHERE id_digest IS NOT NULL;
CREATE INDEX events_2_by_user ON events_2 (user, time) WHERE user IS NOT NULL;
CREATE UNIQUE INDEX events_3_by_id ON events_3 (id_digest) WHERE id_digest IS NOT NULL;
CREATE INDEX events_3_by_user ON events_3 (user, time) WHERE user IS NOT NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('collections',3);
INSERT INTO "sqlite_sequence" VALUES('items',4);
COMMIT;
