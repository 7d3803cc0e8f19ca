CREATE TABLE broker_declarations ( dataset VARCHAR(200) NOT NULL, table_name VARCHAR(200) NOT NULL, declaration TEXT NOT NULL, PRIMARY KEY (dataset) );
INSERT INTO "broker_declarations" ("dataset", "table_name", "declaration") VALUES ('hall.rooms', 'hall_rooms', '
CREATE TABLE hall_rooms (
	_row BIGINT NOT NULL, 
	_since BIGINT NOT NULL, 
	_until BIGINT NOT NULL, 
	_hash BIGINT NOT NULL, 
	code TEXT NOT NULL, 
	code__key TEXT, 
	name TEXT NOT NULL, 
	name__key TEXT, 
	cost NUMERIC(20, 2), 
	seats BIGINT, 
	built DATE, 
	opened VARCHAR, 
	opened__local TEXT, 
	tags TEXT, 
	motto TEXT, 
	motto__key TEXT, 
	motto__all TEXT, 
	story TEXT, 
	story__key TEXT, 
	story__text TEXT, 
	geometry BLOB, 
	_west FLOAT, 
	_south FLOAT, 
	_east FLOAT, 
	_north FLOAT, 
	_lon FLOAT, 
	_lat FLOAT, 
	_x FLOAT, 
	_y FLOAT, 
	_area FLOAT, 
	_length FLOAT, 
	_point BOOLEAN, 
	_geojson TEXT, 
	_district TEXT, 
	_repaired TEXT, 
	PRIMARY KEY (_row)
)

');
INSERT INTO "broker_declarations" ("dataset", "table_name", "declaration") VALUES ('hall.wards', 'hall_wards', '
CREATE TABLE hall_wards (
	_row BIGINT NOT NULL, 
	_since BIGINT NOT NULL, 
	_until BIGINT NOT NULL, 
	_hash BIGINT NOT NULL, 
	code TEXT NOT NULL, 
	code__key TEXT, 
	geometry BLOB NOT NULL, 
	_west FLOAT, 
	_south FLOAT, 
	_east FLOAT, 
	_north FLOAT, 
	_lon FLOAT, 
	_lat FLOAT, 
	_x FLOAT, 
	_y FLOAT, 
	_area FLOAT, 
	_length FLOAT, 
	_point BOOLEAN, 
	_geojson TEXT, 
	_district TEXT, 
	_repaired TEXT, 
	PRIMARY KEY (_row)
)

');
CREATE TABLE broker_refreshes ( id INTEGER NOT NULL, dataset VARCHAR(200) NOT NULL, started_at VARCHAR NOT NULL, finished_at VARCHAR NOT NULL, outcome VARCHAR(20) NOT NULL, error TEXT, records BIGINT NOT NULL, added BIGINT NOT NULL, changed BIGINT NOT NULL, removed BIGINT NOT NULL, rejected BIGINT NOT NULL, PRIMARY KEY (id) );
CREATE TABLE broker_rejected ( dataset VARCHAR(200) NOT NULL, position BIGINT NOT NULL, reason TEXT NOT NULL, "row" TEXT NOT NULL, PRIMARY KEY (dataset, position) );
INSERT INTO "broker_rejected" ("dataset", "position", "reason", "row") VALUES ('hall.rooms', 0, 'a reason', '{"code":"x"}');
CREATE VIRTUAL TABLE broker_search USING fts5(title, text, words, detail=column, prefix='1 2 3', tokenize="ascii");
INSERT INTO "broker_search" (rowid, "title", "text", "words") VALUES (1, 'sal losos', 'star sal', 'sala lososia');
INSERT INTO "broker_search" (rowid, "title", "text", "words") VALUES (2, 'sal rys', 'star sal', 'sala rysia');
INSERT INTO "broker_search" (rowid, "title", "text", "words") VALUES (3, 'sal rys', 'star sal', 'sala rysia');
INSERT INTO "broker_search" (rowid, "title", "text", "words") VALUES (4, 'sal zubr', 'star sal', 'sala zubra');
CREATE TABLE broker_search_entries ( id INTEGER NOT NULL, dataset VARCHAR(200) NOT NULL, "row" BIGINT NOT NULL, since BIGINT NOT NULL, until BIGINT NOT NULL, PRIMARY KEY (id) );
INSERT INTO "broker_search_entries" ("id", "dataset", "row", "since", "until") VALUES (1, 'hall.rooms', 1, 1, 4611686018427387904);
INSERT INTO "broker_search_entries" ("id", "dataset", "row", "since", "until") VALUES (2, 'hall.rooms', 2, 1, 2);
INSERT INTO "broker_search_entries" ("id", "dataset", "row", "since", "until") VALUES (3, 'hall.rooms', 3, 2, 4611686018427387904);
INSERT INTO "broker_search_entries" ("id", "dataset", "row", "since", "until") VALUES (4, 'hall.rooms', 4, 2, 4611686018427387904);
CREATE TABLE broker_versions ( dataset VARCHAR(200) NOT NULL, number BIGINT NOT NULL, published_at VARCHAR NOT NULL, checked_at VARCHAR NOT NULL, records BIGINT NOT NULL, sample BOOLEAN NOT NULL, PRIMARY KEY (dataset, number) );
INSERT INTO "broker_versions" ("dataset", "number", "published_at", "checked_at", "records", "sample") VALUES ('hall.wards', 1, '2026-11-25T06:31:57.005642Z', '2026-11-25T06:31:57.005642Z', 1, 0);
INSERT INTO "broker_versions" ("dataset", "number", "published_at", "checked_at", "records", "sample") VALUES ('hall.rooms', 1, '2026-11-25T06:31:57.016599Z', '2026-11-25T06:31:57.016599Z', 2, 0);
INSERT INTO "broker_versions" ("dataset", "number", "published_at", "checked_at", "records", "sample") VALUES ('hall.rooms', 2, '2026-11-25T06:31:57.023207Z', '2026-11-25T06:31:57.023207Z', 3, 0);
CREATE VIRTUAL TABLE broker_words USING fts5vocab(broker_search, row);
CREATE TABLE hall_rooms ( _row INTEGER NOT NULL, _since BIGINT NOT NULL, _until BIGINT NOT NULL, _hash BIGINT NOT NULL, code TEXT NOT NULL, code__key TEXT, name TEXT NOT NULL, name__key TEXT, cost BIGINT, seats BIGINT, built DATE, opened VARCHAR, opened__local TEXT, tags TEXT, motto TEXT, motto__key TEXT, motto__all TEXT, story TEXT, story__key TEXT, story__text TEXT, geometry BLOB, _west FLOAT, _south FLOAT, _east FLOAT, _north FLOAT, _lon FLOAT, _lat FLOAT, _x FLOAT, _y FLOAT, _area FLOAT, _length FLOAT, _point BOOLEAN, _geojson TEXT, _district TEXT, _repaired TEXT, PRIMARY KEY (_row) );
INSERT INTO "hall_rooms" ("_row", "_since", "_until", "_hash", "code", "code__key", "name", "name__key", "cost", "seats", "built", "opened", "opened__local", "tags", "motto", "motto__key", "motto__all", "story", "story__key", "story__text", "geometry", "_west", "_south", "_east", "_north", "_lon", "_lat", "_x", "_y", "_area", "_length", "_point", "_geojson", "_district", "_repaired") VALUES (1, 1, 4611686018427387904, 3666586054879531221, 'a', 'a', 'Sala Łososia', 'sala lososia', 1050, 3, '2017-01-31', '2017-01-31T23:30:00.000000Z', '2017-02-01T00:30:00+01:00', '["a","b"]', 'Cisza', 'cisza', '{"pl":"Cisza","en":"Silence"}', '<p>Stara <b>sala</b></p>', 'stara sala', 'Stara sala', X'01010000006666666666E630403333333333334A40', 16.9, 52.4, 16.9, 52.4, 16.9, 52.4, 6.42513630508868489399e+06, 5.80797420645129773781e+06, 0.0, 0.0, 1, '{"type":"Point","coordinates":[16.9,52.4]}', 'W', NULL);
INSERT INTO "hall_rooms" ("_row", "_since", "_until", "_hash", "code", "code__key", "name", "name__key", "cost", "seats", "built", "opened", "opened__local", "tags", "motto", "motto__key", "motto__all", "story", "story__key", "story__text", "geometry", "_west", "_south", "_east", "_north", "_lon", "_lat", "_x", "_y", "_area", "_length", "_point", "_geojson", "_district", "_repaired") VALUES (2, 1, 2, -3573912673659877462, 'b', 'b', 'Sala Rysia', 'sala rysia', 1050, 0, '2017-01-31', '2017-01-31T23:30:00.000000Z', '2017-02-01T00:30:00+01:00', '["a","b"]', 'Cisza', 'cisza', '{"pl":"Cisza","en":"Silence"}', '<p>Stara <b>sala</b></p>', 'stara sala', 'Stara sala', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL);
INSERT INTO "hall_rooms" ("_row", "_since", "_until", "_hash", "code", "code__key", "name", "name__key", "cost", "seats", "built", "opened", "opened__local", "tags", "motto", "motto__key", "motto__all", "story", "story__key", "story__text", "geometry", "_west", "_south", "_east", "_north", "_lon", "_lat", "_x", "_y", "_area", "_length", "_point", "_geojson", "_district", "_repaired") VALUES (3, 2, 4611686018427387904, -249234739839636512, 'b', 'b', 'Sala Rysia', 'sala rysia', 1050, 7, '2017-01-31', '2017-01-31T23:30:00.000000Z', '2017-02-01T00:30:00+01:00', '["a","b"]', 'Cisza', 'cisza', '{"pl":"Cisza","en":"Silence"}', '<p>Stara <b>sala</b></p>', 'stara sala', 'Stara sala', X'01010000006666666666E630403333333333334A40', 16.9, 52.4, 16.9, 52.4, 16.9, 52.4, 6.42513630508868489399e+06, 5.80797420645129773781e+06, 0.0, 0.0, 1, '{"type":"Point","coordinates":[16.9,52.4]}', 'W', NULL);
INSERT INTO "hall_rooms" ("_row", "_since", "_until", "_hash", "code", "code__key", "name", "name__key", "cost", "seats", "built", "opened", "opened__local", "tags", "motto", "motto__key", "motto__all", "story", "story__key", "story__text", "geometry", "_west", "_south", "_east", "_north", "_lon", "_lat", "_x", "_y", "_area", "_length", "_point", "_geojson", "_district", "_repaired") VALUES (4, 2, 4611686018427387904, 5196987602437018925, 'c', 'c', 'Sala Żubra', 'sala zubra', 1050, 5, '2017-01-31', '2017-01-31T23:30:00.000000Z', '2017-02-01T00:30:00+01:00', '["a","b"]', 'Cisza', 'cisza', '{"pl":"Cisza","en":"Silence"}', '<p>Stara <b>sala</b></p>', 'stara sala', 'Stara sala', X'01010000006666666666E630403333333333334A40', 16.9, 52.4, 16.9, 52.4, 16.9, 52.4, 6.42513630508868489399e+06, 5.80797420645129773781e+06, 0.0, 0.0, 1, '{"type":"Point","coordinates":[16.9,52.4]}', 'W', NULL);
CREATE VIRTUAL TABLE "hall_rooms__rtree" USING rtree(id, west, east, south, north);
INSERT INTO "hall_rooms__rtree" ("id", "west", "east", "south", "north") VALUES (1, 1.68999996185302734375e+01, 1.690000152587890625e+01, 5.23999938964843749991e+01, 5.24000015258789062508e+01);
INSERT INTO "hall_rooms__rtree" ("id", "west", "east", "south", "north") VALUES (3, 1.68999996185302734375e+01, 1.690000152587890625e+01, 5.23999938964843749991e+01, 5.24000015258789062508e+01);
INSERT INTO "hall_rooms__rtree" ("id", "west", "east", "south", "north") VALUES (4, 1.68999996185302734375e+01, 1.690000152587890625e+01, 5.23999938964843749991e+01, 5.24000015258789062508e+01);
CREATE TABLE hall_wards ( _row INTEGER NOT NULL, _since BIGINT NOT NULL, _until BIGINT NOT NULL, _hash BIGINT NOT NULL, code TEXT NOT NULL, code__key TEXT, geometry BLOB NOT NULL, _west FLOAT, _south FLOAT, _east FLOAT, _north FLOAT, _lon FLOAT, _lat FLOAT, _x FLOAT, _y FLOAT, _area FLOAT, _length FLOAT, _point BOOLEAN, _geojson TEXT, _district TEXT, _repaired TEXT, PRIMARY KEY (_row) );
INSERT INTO "hall_wards" ("_row", "_since", "_until", "_hash", "code", "code__key", "geometry", "_west", "_south", "_east", "_north", "_lon", "_lat", "_x", "_y", "_area", "_length", "_point", "_geojson", "_district", "_repaired") VALUES (1, 1, 4611686018427387904, -3178292359812881493, 'W', 'w', X'0103000000010000000500000000000000000031400000000000004A4000000000000031400000000000804A4000000000000030400000000000804A4000000000000030400000000000004A4000000000000031400000000000004A40', 16.0, 52.0, 17.0, 53.0, 16.5, 52.5, 6.39814549542932305484e+06, 5.81958939840975310667e+06, 7.55720589621324920649e+09, 3.58389628273509209979e+05, 0, '{"type":"Polygon","coordinates":[[[17.0,52.0],[17.0,53.0],[16.0,53.0],[16.0,52.0],[17.0,52.0]]]}', NULL, NULL);
CREATE VIRTUAL TABLE "hall_wards__rtree" USING rtree(id, west, east, south, north);
INSERT INTO "hall_wards__rtree" ("id", "west", "east", "south", "north") VALUES (1, 16.0, 17.0, 52.0, 53.0);
CREATE INDEX ix_broker_refreshes_dataset ON broker_refreshes (dataset);
CREATE INDEX ix_broker_search_entries ON broker_search_entries (dataset, "row");
CREATE UNIQUE INDEX ix_hall_rooms__version ON hall_rooms (code, _since);
CREATE INDEX ix_hall_rooms_built ON hall_rooms (built, code);
CREATE INDEX ix_hall_rooms_cost ON hall_rooms (cost, code);
CREATE INDEX ix_hall_rooms_district ON hall_rooms (_district, code);
CREATE INDEX ix_hall_rooms_name ON hall_rooms (name__key, code);
CREATE INDEX ix_hall_rooms_opened ON hall_rooms (opened, code);
CREATE INDEX ix_hall_rooms_seats ON hall_rooms (seats, code);
CREATE UNIQUE INDEX ix_hall_wards__version ON hall_wards (code, _since);
CREATE INDEX ix_hall_wards_district ON hall_wards (_district, code);
