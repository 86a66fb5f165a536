"""The composition root: one encoder, one catalog, the indexes, and every thread between them.

`Engine` is all of Bertine but the network; `bertine.serve` puts gRPC in front of it, and a program
that wants no server can use it directly:

    engine = Engine.open(ServeConfig(model=Path("model"), data=Path("data")))
    found = await engine.recommender.search("books", [Query("whales")], Wanted(top_k=3))
    engine.close()
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np

from bertine.catalog.expiry import PurgeResult
from bertine.catalog.ingest import Ingest
from bertine.catalog.privacy import UserKey
from bertine.catalog.purger import Purger
from bertine.catalog.reembedding import FinishReembedding, ReplaceVectors
from bertine.catalog.store import Outdated, Store
from bertine.catalog.writer import Writer
from bertine.config import ServeConfig
from bertine.encode.cores import usable_cores
from bertine.encode.encoder import Encoder
from bertine.errors import Conflict
from bertine.index import saved
from bertine.index.crew import Crew
from bertine.index.gpu import open_gpu
from bertine.index.lifecycle import Policy
from bertine.index.live import LiveIndex
from bertine.index.maintenance import Maintainer, RecallMeter
from bertine.index.registry import Registry
from bertine.model import MakeEncoder, open_encoder
from bertine.observer import Observer
from bertine.recommend.learn.learning import LearningOptions
from bertine.recommend.learner import Learner
from bertine.recommend.pipeline import Recommender
from bertine.recommend.refreshing import RefreshPolicy
from bertine.types import Collection

REEMBED_BATCH = 256
INDEX_FOLDER = "index"
LEARNED_FOLDER = "learned"
"""In the data folder: what can be made again from the catalog."""

_READERS = 4


def _policy(config: ServeConfig) -> Policy:
    return Policy(
        ivf_min_items=config.ivf_min_items,
        target_recall=config.target_recall,
        repeated_share=config.repeated_share,
    )


class Engine:
    """Everything a server serves. Made by `open`, ended by `close`.

    Attributes:
        config: what it was told.
        encoder: texts to vectors.
        store: the catalog, for reading.
        writer: the catalog, for writing.
        registry: the indexes.
        user_key: hides users' ids.
        ingest: changes collections.
        learner: learns from recorded events.
        recommender: answers searches and recommendations.
    """

    def __init__(
        self, config: ServeConfig, observer: Observer, encoder: Encoder, resources: ExitStack
    ) -> None:
        self.config = config
        self.encoder = encoder
        self._resources = resources
        self.store = resources.enter_context(Store.open(config.data))
        self.user_key = UserKey.load_or_create(config.data)
        self.writer = resources.enter_context(Writer(self.store, on_group=observer.on_group))
        policy = _policy(config)
        crew = Crew(usable_cores() - 1)
        resources.callback(crew.close)
        gpu = open_gpu(config.index_device)
        if gpu is not None:
            resources.callback(gpu.close)
        self.registry = Registry(policy, config.data / INDEX_FOLDER, crew, gpu)
        readers = ThreadPoolExecutor(_READERS, thread_name_prefix="bertine-reader")
        resources.callback(readers.shutdown, cancel_futures=True)
        self.ingest = Ingest(encoder, self.store, self.writer, self.registry, readers)
        self._load(observer)
        self.learner = self._learner(observer)
        resources.callback(self.learner.close)
        self.recommender = Recommender(
            encoder, self.store, self.registry, readers, self.learner.learned
        )
        maintainer = Maintainer(self._indexes, observer.on_rebuild)
        resources.callback(maintainer.close)
        if config.repeated_share:
            meter = RecallMeter(self._indexes)
            resources.callback(meter.close)
        purger = Purger(
            self.store,
            self.writer,
            self._forget,
            self._remove_derived,
            observer.on_purge,
            config.event_ttl,
        )
        resources.callback(purger.close)

    @classmethod
    def open(
        cls,
        config: ServeConfig,
        observer: Observer | None = None,
        make_encoder: MakeEncoder = open_encoder,
    ) -> Engine:
        """Load the model, open the data folder, build the indexes, warm up: ready when it returns.

        Args:
            config: see `ServeConfig`.
            observer: who is told of what happens.
            make_encoder: another one takes the place of the model, for tests and benchmarks.

        Raises:
            StorageError: the data folder cannot be used.
            Conflict: its vectors are another model's, and `ServeConfig.reembed` is off.
            BertineError: as `open_encoder`.
        """
        observer = observer or Observer()
        with ExitStack() as resources:
            encoder = make_encoder(config, observer)
            resources.callback(encoder.close)
            encoder.warm_up()
            engine = cls(config, observer, encoder, resources)
            engine._resources = resources.pop_all()
        return engine

    @property
    def healthy(self) -> bool:
        """Whether it can serve: the encoder lives and the indexes follow the catalog."""
        return self.encoder.alive and self.writer.healthy

    @property
    def responsive(self) -> bool:
        """Whether the encoder's device answers; where it does not, it may still come back."""
        return self.encoder.responsive

    def drain(self, seconds: float) -> None:
        """Take no new texts; wait for those that were taken."""
        self.encoder.drain(seconds)

    def close(self) -> None:
        """Stop every thread and close every file."""
        self._resources.close()

    def _indexes(self) -> Iterator[tuple[str, LiveIndex]]:
        return ((served.name, served.index) for served in self.registry)

    def _load(self, observer: Observer) -> None:
        collections = self.store.collections()
        folder = self.config.data / INDEX_FOLDER
        saved.remove_unknown(folder, {collection.key for collection in collections})
        for collection in collections:
            current = collection
            if collection.fingerprint != self.encoder.fingerprint:
                current = self._reembed(collection, observer)
            observer.on_progress(f"loading {current.name}: {current.item_count:,} items")
            self.registry.load(current, self.store, threads=usable_cores())
        for alias in self.store.aliases():
            self.registry.set_alias(alias.alias, alias.collection)

    def _forget(self, purged: PurgeResult) -> None:
        self.registry.delete_items(purged.deleted, purged.sequence)

    def _learner(self, observer: Observer) -> Learner:
        config = self.config
        policy = RefreshPolicy(config.learn_min_events, pause=config.learn_pause_seconds)
        return Learner(
            self.store,
            lambda: self.registry,
            config.data / LEARNED_FOLDER,
            self.encoder.fingerprint,
            policy,
            LearningOptions(least_users=config.learn_min_users),
            observer.on_learned,
        )

    def _remove_derived(self, collection_key: int) -> None:
        self.learner.forget(collection_key)
        # One that is being written just now is left, and removed at the next start.
        shutil.rmtree(self.config.data / INDEX_FOLDER / str(collection_key), ignore_errors=True)

    def _reembed(self, collection: Collection, observer: Observer) -> Collection:
        """Encode a collection again whose vectors another model made; it may be interrupted."""
        if not self.config.reembed:
            raise Conflict(
                f"the vectors of collection {collection.name!r} in {self.config.data} were made by "
                f"another model ({collection.fingerprint[:12] or 'several'}, this one is "
                f"{self.encoder.fingerprint[:12]}); start once with --reembed to encode its "
                f"{collection.item_count:,} items again, or use the model that made them"
            )
        done = 0
        while batch := self._outdated(collection):
            self._replace(collection, batch)
            done += len(batch)
            observer.on_progress(f"re-embedding {collection.name}: {done:,} items")
        change = FinishReembedding(
            collection.key, self.encoder.fingerprint, self.encoder.dimensions
        )
        return self.writer.submit(change, None).result()

    def _outdated(self, collection: Collection) -> list[Outdated]:
        batch = self.store.items_with_other_fingerprint(
            collection.key, self.encoder.fingerprint, REEMBED_BATCH
        )
        supplied = [outdated.item.id for outdated in batch if outdated.supplied]
        if supplied:
            raise Conflict(
                f"item {supplied[0]!r} of collection {collection.name!r} brought its own vector, "
                "which this model cannot make again; delete such items or use the other model"
            )
        return batch

    def _replace(self, collection: Collection, batch: list[Outdated]) -> None:
        # An item of named vectors alone has no text: its text's part stays zeros.
        vectors = np.zeros((len(batch), self.encoder.dimensions), np.float32)
        texts = {n: one.item.text for n, one in enumerate(batch) if one.item.text}
        if texts:
            embedded = self.encoder.embed_sync(list(texts.values()), input_type="document")
            vectors[list(texts)] = embedded.vectors
        rows = [
            (outdated.item.id, outdated.item.version, vector)
            for outdated, vector in zip(batch, vectors, strict=True)
        ]
        change = ReplaceVectors(collection.key, rows, self.encoder.fingerprint)
        self.writer.submit(change, None).result()
