"""Imaging: what goes into a service's image besides its program.

``make`` asks here once for each platform: the base, certificates, ``files``, and the folder
``kodata`` beside the main package, which is served as ko does (ko.build, static assets).
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from shipway.core.golang import linkage
from shipway.core.oci.image import Image
from shipway.errors import Kind, ShipwayError
from shipway.roads import pins
from shipway.stages import image

if TYPE_CHECKING:
    from shipway.core.golang.binary import Binary
    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.oci.image import BaseImage
    from shipway.core.ports.hands import Hands
    from shipway.core.project.config import Service
    from shipway.roads.make import MakeRequest
    from shipway.run import Run

KODATA = "kodata"
KO_DATA_PATH = "/var/run/ko"


def assemble(
    request: MakeRequest, binary: Binary, ran: tuple[int, ...], *, hands: Hands, run: Run
) -> Image:
    """Return the image of one platform; ``ran`` are ports that the program opened, if it was asked.

    Raises:
        ShipwayError: ``image.ca``, ``image.files``, ``image.libc``, ``image.libc-old`` (config),
            and what the stage raises.
    """
    project = posixpath.normpath(posixpath.join(request.source.root, request.project_dir))
    base = _base(request, hands)
    _linked(request, binary, base, hands=hands, run=run)
    files = listed(
        request.service,
        root=request.source.root,
        project_dir=request.project_dir,
        package_dir=posixpath.join(request.module_dir, request.package),
        hands=hands,
    )
    return run.step(
        image.assemble,
        request.unit,
        image.ImageRequest(
            binary=binary,
            source=request.source,
            base=base,
            debugger=hands.debuggers.get(request.platform) if request.debug else None,
            debug_port=request.debug,
            title=request.name,
            files=hands.imagefiles.collect(request.source.root, files),
            ca=_authorities(project, request.service.image.ca, hands),
            ports=ran[:1] or request.ports,
            environment=(f"KO_DATA_PATH={KO_DATA_PATH}",) if KO_DATA_PATH in files else (),
        ),
        returns=Image,
        content=hands.content,
    )


def listed(
    service: Service, *, root: str, project_dir: str, package_dir: str, hands: Hands
) -> dict[str, str]:
    """Return what goes into the image: path in it to path below ``root``, as are both folders."""
    files = {
        target: posixpath.normpath(posixpath.join(project_dir, path))
        for target, path in service.files.items()
    }
    kodata = posixpath.normpath(posixpath.join(package_dir, KODATA))
    if hands.imagefiles.folder(root, kodata):
        files[KO_DATA_PATH] = kodata
    return files


def _linked(
    request: MakeRequest, binary: Binary, base: BaseImage, *, hands: Hands, run: Run
) -> None:
    """See that the base has what a program with C needs, and that one without needs none."""
    if binary.linkage.interpreter:
        found = hands.bases.libraries(base)
        linkage.check(binary.linkage, found, base=base.base.name, service=request.name)
    elif not request.service.build.cgo:
        for stub in (one.path for one in binary.modules if one.path in linkage.STUBS):
            fix = f"[services.{request.name}.build]\ncgo = true"
            run.remark(f"{stub} does not work without C", fix=fix, loud=True)


def _authorities(project: str, named: str, hands: Hands) -> Descriptor | None:
    if not named:
        return None
    data = hands.files(project).read(named)
    if data is None:
        raise ShipwayError(
            "image.ca",
            Kind.CONFIG,
            "there is no such file",
            operation="reading the CA file",
            subject=named,
            hint="`.image ca` is a path below the project's folder",
        )
    return hands.content.put(data, "application/x-pem-file")


def _base(request: MakeRequest, hands: Hands) -> BaseImage:
    if request.base:
        written = request.service.image.base
        return pins.pulled(written, request.base, request.platform, hands)
    return hands.bases.static(request.platform)
