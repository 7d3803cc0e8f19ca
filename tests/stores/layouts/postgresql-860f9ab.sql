CREATE TABLE public.broker_declarations (
    dataset character varying(200) NOT NULL
);
CREATE TABLE public.broker_facts (
    dataset character varying(200) NOT NULL,
    facts text NOT NULL
);
CREATE TABLE public.broker_quarantine (
    dataset character varying(200) NOT NULL,
    held_at character varying NOT NULL COLLATE pg_catalog."C",
    seen_at character varying NOT NULL COLLATE pg_catalog."C",
    agreed bigint NOT NULL,
    doubts text NOT NULL,
    gone text NOT NULL,
    changes text NOT NULL,
    facts text,
    sample boolean NOT NULL
);
CREATE TABLE public.broker_refreshes (
    id integer NOT NULL,
    dataset character varying(200) NOT NULL,
    started_at character varying NOT NULL COLLATE pg_catalog."C",
    finished_at character varying NOT NULL COLLATE pg_catalog."C",
    outcome character varying(20) NOT NULL,
    error text,
    records bigint NOT NULL,
    added bigint NOT NULL,
    changed bigint NOT NULL,
    removed bigint NOT NULL,
    rejected bigint NOT NULL
);
CREATE SEQUENCE public.broker_refreshes_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.broker_refreshes_id_seq OWNED BY public.broker_refreshes.id;
CREATE TABLE public.broker_rejected (
    dataset character varying(200) NOT NULL,
    "position" bigint NOT NULL,
    reason text NOT NULL,
    "row" text NOT NULL
);
CREATE TABLE public.broker_schemas (
    dataset character varying(200) NOT NULL,
    number integer NOT NULL,
    at character varying NOT NULL COLLATE pg_catalog."C",
    since bigint NOT NULL,
    schema text NOT NULL,
    changes text NOT NULL
);
CREATE TABLE public.broker_search (
    id bigint NOT NULL,
    title tsvector NOT NULL,
    whole tsvector NOT NULL
);
CREATE TABLE public.broker_search_entries (
    id bigint NOT NULL,
    dataset character varying(200) NOT NULL,
    "row" bigint NOT NULL,
    since bigint NOT NULL,
    until bigint NOT NULL
);
CREATE SEQUENCE public.broker_search_entries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.broker_search_entries_id_seq OWNED BY public.broker_search_entries.id;
CREATE TABLE public.broker_versions (
    dataset character varying(200) NOT NULL,
    number bigint NOT NULL,
    published_at character varying NOT NULL COLLATE pg_catalog."C",
    checked_at character varying NOT NULL COLLATE pg_catalog."C",
    records bigint NOT NULL,
    sample boolean NOT NULL
);
CREATE TABLE public.hall_rooms (
    _row bigint NOT NULL,
    _since bigint NOT NULL,
    _until bigint NOT NULL,
    _hash bigint NOT NULL,
    built date,
    code text NOT NULL COLLATE pg_catalog."C",
    code__key text COLLATE pg_catalog."C",
    cost numeric(20,2),
    geometry public.geometry(Geometry,4326),
    motto text COLLATE pg_catalog."C",
    motto__key text COLLATE pg_catalog."C",
    motto__all text COLLATE pg_catalog."C",
    name text COLLATE pg_catalog."C",
    name__key text COLLATE pg_catalog."C",
    opened character varying COLLATE pg_catalog."C",
    opened__local text COLLATE pg_catalog."C",
    seats bigint,
    story text COLLATE pg_catalog."C",
    story__key text COLLATE pg_catalog."C",
    story__text text COLLATE pg_catalog."C",
    tags text COLLATE pg_catalog."C",
    _west double precision,
    _south double precision,
    _east double precision,
    _north double precision,
    _lon double precision,
    _lat double precision,
    _x double precision,
    _y double precision,
    _area double precision,
    _length double precision,
    _point boolean,
    _geojson text COLLATE pg_catalog."C",
    _district text COLLATE pg_catalog."C",
    _repaired text COLLATE pg_catalog."C",
    _metric public.geometry(Geometry,2177) GENERATED ALWAYS AS (public.st_transform(geometry, 2177)) STORED
);
CREATE TABLE public.hall_wards (
    _row bigint NOT NULL,
    _since bigint NOT NULL,
    _until bigint NOT NULL,
    _hash bigint NOT NULL,
    code text NOT NULL COLLATE pg_catalog."C",
    code__key text COLLATE pg_catalog."C",
    geometry public.geometry(Geometry,4326),
    _west double precision,
    _south double precision,
    _east double precision,
    _north double precision,
    _lon double precision,
    _lat double precision,
    _x double precision,
    _y double precision,
    _area double precision,
    _length double precision,
    _point boolean,
    _geojson text COLLATE pg_catalog."C",
    _district text COLLATE pg_catalog."C",
    _repaired text COLLATE pg_catalog."C",
    _metric public.geometry(Geometry,2177) GENERATED ALWAYS AS (public.st_transform(geometry, 2177)) STORED
);
ALTER TABLE ONLY public.broker_refreshes ALTER COLUMN id SET DEFAULT nextval('public.broker_refreshes_id_seq'::regclass);
ALTER TABLE ONLY public.broker_search_entries ALTER COLUMN id SET DEFAULT nextval('public.broker_search_entries_id_seq'::regclass);
INSERT INTO public.broker_facts VALUES ('hall.wards', '{"rows":1,"rejected":0,"duplicated":0,"fields":{}}');
INSERT INTO public.broker_facts VALUES ('hall.rooms', '{"rows":4,"rejected":1,"duplicated":0,"fields":{}}');
INSERT INTO public.broker_quarantine VALUES ('hall.rooms', '2026-11-25T11:00:24.372014Z', '2026-11-25T11:00:24.372014Z', 1, '[["loss","half of it is gone"]]', '["b","c"]', '{"records":1,"added":0,"changed":0,"unchanged":1,"repeated":0,"removed":2,"rejected":0,"repaired":0,"duplicated":0}', '{"rows":1,"rejected":0,"duplicated":0,"fields":{}}', false);
INSERT INTO public.broker_schemas VALUES ('hall.rooms', 1, '2026-11-25T11:00:24.012038Z', 0, '{"number":1,"table":"hall_rooms","key":"code","fields":[{"name":"built","column":"built","kind":"date","optional":true,"html":false,"search":null,"since":0},{"name":"code","column":"code","kind":"text","optional":false,"html":false,"search":null,"since":0},{"name":"cost","column":"cost","kind":"decimal(2)","optional":true,"html":false,"search":null,"since":0},{"name":"geometry","column":"geometry","kind":"geometry","optional":true,"html":false,"search":null,"since":0},{"name":"motto","column":"motto","kind":"localized","optional":true,"html":false,"search":null,"since":0},{"name":"name","column":"name","kind":"text","optional":false,"html":false,"search":"title","since":0},{"name":"opened","column":"opened","kind":"moment","optional":true,"html":false,"search":null,"since":0},{"name":"seats","column":"seats","kind":"integer","optional":true,"html":false,"search":null,"since":0},{"name":"story","column":"story","kind":"text","optional":true,"html":true,"search":"text","since":0},{"name":"tags","column":"tags","kind":"list","optional":true,"html":false,"search":null,"since":0}],"geocode":[],"retired":[],"set_aside":[],"floor":0}', '[]');
INSERT INTO public.broker_schemas VALUES ('hall.wards', 1, '2026-11-25T11:00:24.027860Z', 0, '{"number":1,"table":"hall_wards","key":"code","fields":[{"name":"code","column":"code","kind":"text","optional":false,"html":false,"search":null,"since":0},{"name":"geometry","column":"geometry","kind":"geometry","optional":false,"html":false,"search":null,"since":0}],"geocode":[],"retired":[],"set_aside":[],"floor":0}', '[]');
INSERT INTO public.broker_search VALUES (1, '''losos'' ''lososia'' ''sal'' ''sala''', '''losos'' ''lososia'' ''sal'' ''sala'' ''star''');
INSERT INTO public.broker_search VALUES (2, '''rys'' ''rysia'' ''sal'' ''sala''', '''rys'' ''rysia'' ''sal'' ''sala'' ''star''');
INSERT INTO public.broker_search VALUES (3, '''rys'' ''rysia'' ''sal'' ''sala''', '''rys'' ''rysia'' ''sal'' ''sala'' ''star''');
INSERT INTO public.broker_search VALUES (4, '''sal'' ''sala'' ''zubr'' ''zubra''', '''sal'' ''sala'' ''star'' ''zubr'' ''zubra''');
INSERT INTO public.broker_search_entries VALUES (1, 'hall.rooms', 1, 1, 4611686018427387904);
INSERT INTO public.broker_search_entries VALUES (3, 'hall.rooms', 3, 2, 4611686018427387904);
INSERT INTO public.broker_search_entries VALUES (4, 'hall.rooms', 4, 2, 4611686018427387904);
INSERT INTO public.broker_search_entries VALUES (2, 'hall.rooms', 2, 1, 2);
INSERT INTO public.broker_versions VALUES ('hall.wards', 1, '2026-11-25T11:00:24.166612Z', '2026-11-25T11:00:24.166612Z', 1, false);
INSERT INTO public.broker_versions VALUES ('hall.rooms', 1, '2026-11-25T11:00:24.249473Z', '2026-11-25T11:00:24.249473Z', 2, false);
INSERT INTO public.broker_versions VALUES ('hall.rooms', 2, '2026-11-25T11:00:24.328233Z', '2026-11-25T11:00:24.328233Z', 3, false);
INSERT INTO public.hall_rooms VALUES (1, 1, 4611686018427387904, -2739520665638835844, '2017-01-31', 'a', 'a', 10.50, '0101000020E61000006666666666E630403333333333334A40', 'Cisza', 'cisza', '{"pl":"Cisza","en":"Silence"}', 'Sala Łososia', 'sala lososia', '2017-01-31T23:30:00.000000Z', '2017-02-01T00:30:00+01:00', 3, '<p>Stara <b>sala</b></p>', 'stara sala', 'Stara sala', '["a","b"]', 16.9, 52.4, 16.9, 52.4, 16.9, 52.4, 6425136.305088685, 5807974.206451298, 0, 0, true, '{"type":"Point","coordinates":[16.9,52.4]}', 'W', NULL, DEFAULT);
INSERT INTO public.hall_rooms VALUES (3, 2, 4611686018427387904, 2379585766287297213, '2017-01-31', 'b', 'b', 10.50, '0101000020E61000006666666666E630403333333333334A40', 'Cisza', 'cisza', '{"pl":"Cisza","en":"Silence"}', 'Sala Rysia', 'sala rysia', '2017-01-31T23:30:00.000000Z', '2017-02-01T00:30:00+01:00', 7, '<p>Stara <b>sala</b></p>', 'stara sala', 'Stara sala', '["a","b"]', 16.9, 52.4, 16.9, 52.4, 16.9, 52.4, 6425136.305088685, 5807974.206451298, 0, 0, true, '{"type":"Point","coordinates":[16.9,52.4]}', 'W', NULL, DEFAULT);
INSERT INTO public.hall_rooms VALUES (4, 2, 4611686018427387904, -1450225697362182040, '2017-01-31', 'c', 'c', 10.50, '0101000020E61000006666666666E630403333333333334A40', 'Cisza', 'cisza', '{"pl":"Cisza","en":"Silence"}', 'Sala Żubra', 'sala zubra', '2017-01-31T23:30:00.000000Z', '2017-02-01T00:30:00+01:00', 5, '<p>Stara <b>sala</b></p>', 'stara sala', 'Stara sala', '["a","b"]', 16.9, 52.4, 16.9, 52.4, 16.9, 52.4, 6425136.305088685, 5807974.206451298, 0, 0, true, '{"type":"Point","coordinates":[16.9,52.4]}', 'W', NULL, DEFAULT);
INSERT INTO public.hall_rooms VALUES (2, 1, 2, 7785600800802936813, '2017-01-31', 'b', 'b', 10.50, NULL, 'Cisza', 'cisza', '{"pl":"Cisza","en":"Silence"}', 'Sala Rysia', 'sala rysia', '2017-01-31T23:30:00.000000Z', '2017-02-01T00:30:00+01:00', 0, '<p>Stara <b>sala</b></p>', 'stara sala', 'Stara sala', '["a","b"]', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, NULL, DEFAULT);
INSERT INTO public.hall_wards VALUES (1, 1, 4611686018427387904, 3248657262637809315, 'W', 'w', '0103000020E6100000010000000500000000000000000031400000000000004A4000000000000031400000000000804A4000000000000030400000000000804A4000000000000030400000000000004A4000000000000031400000000000004A40', 16, 52, 17, 53, 16.5, 52.5, 6398145.495429323, 5819589.398409753, 7557205896.213249, 358389.6282735092, false, '{"type":"Polygon","coordinates":[[[17.0,52.0],[17.0,53.0],[16.0,53.0],[16.0,52.0],[17.0,52.0]]]}', NULL, NULL, DEFAULT);
SELECT pg_catalog.setval('public.broker_refreshes_id_seq', 1, false);
SELECT pg_catalog.setval('public.broker_search_entries_id_seq', 1, false);
ALTER TABLE ONLY public.broker_declarations
    ADD CONSTRAINT broker_declarations_pkey PRIMARY KEY (dataset);
ALTER TABLE ONLY public.broker_facts
    ADD CONSTRAINT broker_facts_pkey PRIMARY KEY (dataset);
ALTER TABLE ONLY public.broker_quarantine
    ADD CONSTRAINT broker_quarantine_pkey PRIMARY KEY (dataset);
ALTER TABLE ONLY public.broker_refreshes
    ADD CONSTRAINT broker_refreshes_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.broker_rejected
    ADD CONSTRAINT broker_rejected_pkey PRIMARY KEY (dataset, "position");
ALTER TABLE ONLY public.broker_schemas
    ADD CONSTRAINT broker_schemas_pkey PRIMARY KEY (dataset, number);
ALTER TABLE ONLY public.broker_search_entries
    ADD CONSTRAINT broker_search_entries_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.broker_search
    ADD CONSTRAINT broker_search_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.broker_versions
    ADD CONSTRAINT broker_versions_pkey PRIMARY KEY (dataset, number);
ALTER TABLE ONLY public.hall_rooms
    ADD CONSTRAINT hall_rooms_pkey PRIMARY KEY (_row);
ALTER TABLE ONLY public.hall_wards
    ADD CONSTRAINT hall_wards_pkey PRIMARY KEY (_row);
CREATE INDEX ix_broker_refreshes_dataset ON public.broker_refreshes USING btree (dataset);
CREATE INDEX ix_broker_search_entries ON public.broker_search_entries USING btree (dataset, "row");
CREATE INDEX ix_broker_search_title ON public.broker_search USING gin (title);
CREATE INDEX ix_broker_search_whole ON public.broker_search USING gin (whole);
CREATE INDEX ix_hall_rooms__metric_gist ON public.hall_rooms USING gist (_metric);
CREATE UNIQUE INDEX ix_hall_rooms__version ON public.hall_rooms USING btree (code, _since);
CREATE INDEX ix_hall_rooms_built ON public.hall_rooms USING btree (built, code);
CREATE INDEX ix_hall_rooms_cost ON public.hall_rooms USING btree (cost, code);
CREATE INDEX ix_hall_rooms_district ON public.hall_rooms USING btree (_district, code);
CREATE INDEX ix_hall_rooms_geometry_gist ON public.hall_rooms USING gist (geometry);
CREATE INDEX ix_hall_rooms_opened ON public.hall_rooms USING btree (opened, code);
CREATE INDEX ix_hall_rooms_seats ON public.hall_rooms USING btree (seats, code);
CREATE INDEX ix_hall_wards__metric_gist ON public.hall_wards USING gist (_metric);
CREATE UNIQUE INDEX ix_hall_wards__version ON public.hall_wards USING btree (code, _since);
CREATE INDEX ix_hall_wards_district ON public.hall_wards USING btree (_district, code);
CREATE INDEX ix_hall_wards_geometry_gist ON public.hall_wards USING gist (geometry);
