"""The table of methods against the wire contract: a method without an entry is no method."""

from google.protobuf.descriptor import MethodDescriptor

from bertine.serve.callers.caller import RIGHTS
from bertine.serve.callers.methods import METHODS, Needs
from bertine.serve.transport import SERVICES
from bertine.v1 import catalog_pb2, embedding_pb2, index_pb2, recommendation_pb2, server_pb2

DESCRIPTORS: list[MethodDescriptor] = [
    method
    for module in (embedding_pb2, catalog_pb2, recommendation_pb2, index_pb2, server_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]


def test_every_method_of_every_service_has_an_entry_and_none_is_left_over() -> None:
    names = [method.name for method in DESCRIPTORS]
    assert len(names) == len(set(names))
    assert set(names) == set(METHODS)
    assert {method.containing_service.full_name for method in DESCRIPTORS} == set(SERVICES)


def test_entries_name_fields_of_their_requests() -> None:
    for method in DESCRIPTORS:
        needs = METHODS[method.name]
        fields = {field for field in (needs.collection, *needs.names) if field}
        assert fields <= set(method.input_type.fields_by_name), method.name
        assert needs.right is None or needs.right in RIGHTS


def test_no_field_that_names_a_collection_is_forgotten() -> None:
    for method in DESCRIPTORS:
        needs = METHODS[method.name]
        naming = {"collection", "alias"} & set(method.input_type.fields_by_name)
        if "Collection" in method.name and not needs.each:
            naming |= {"name"} & set(method.input_type.fields_by_name)
        assert needs.each or naming == {one for one in (needs.collection, *needs.names) if one}


def test_a_method_is_refused_to_tenants_until_somebody_says_that_it_holds_their_filter() -> None:
    assert not Needs("read").filtered
    everybodys = {name for name, needs in METHODS.items() if not needs.filtered}
    assert {name for name in everybodys if METHODS[name].right != "admin"} == {"GetLearned"}
    assert all(METHODS[name].right != "admin" for name in METHODS.keys() - everybodys)


def test_methods_that_only_see_do_not_change_and_the_other_way_round() -> None:
    changing = ("Create", "Delete", "Upsert", "Import", "Set", "Record", "Fit", "Tune")
    for name, needs in METHODS.items():
        assert name.startswith(changing) == (needs.right in {"write", "record", "admin"}), name
