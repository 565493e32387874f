"""A GPU for machines that have none, simulated.

Within `simulated()` tensors can live on `cuda:0`: they say so, and their numbers lie in memory.
What a GPU would refuse is refused (two devices in one operation, a CPU generator for numbers made
on the GPU, `.numpy()`), and every wait of the host for the device is written down with the line
that asked for it. It says nothing about time.

    with simulated() as log:
        pipe.to('cuda'); pipe('a cat')
    print(log)

A wait is what `torch.cuda.set_sync_debug_mode` would report: reading a number (`.item()`,
`if tensor:`, `.tolist()`), shapes that depend on numbers (`nonzero`, `unique`, a mask as index),
copies between host and device unless they are `non_blocking`, and the checks inside `torch.linalg`
(`inv`, `solve`, `cholesky`, `eigh`, `svd`; the `*_ex` forms do not check). 04_device.ipynb tries
each of them. Random numbers come from a CPU generator that is drawn on the CPU and sent over, as
diffusers does; `torch.Generator('cuda')` needs a driver.
"""
import collections, contextlib, functools, sys
from pathlib import Path
from unittest.mock import patch as pretend_that
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing

DEVICE = torch.device('cuda:0')
PACKAGES = 'perfusion_nb', 'diffusers', 'transformers', 'accelerate', 'peft', 'open_clip'
aten = torch.ops.aten

# ---- What makes the host wait

READS = [aten._local_scalar_dense.default, aten.is_nonzero.default, aten.equal.default,
         aten.allclose.default]
SHAPES = [aten.nonzero.default, aten.masked_select.default, aten._unique2.default,
          aten.unique_dim.default, aten.unique_consecutive.default, aten.bincount.default,
          aten.histc.default]
CHECKS = [aten._linalg_check_errors.default, aten._linalg_eigh.default, aten._linalg_svd.default,
          aten.linalg_eig.default, aten.linalg_lstsq.default,
          aten.linalg_pinv.atol_rtol_tensor]
INDEXING = [aten.index.Tensor, aten.index_put.default, aten.index_put_.default,
            aten._unsafe_index.Tensor]
WAITS = {*READS, *SHAPES, *CHECKS}


class Wait(collections.namedtuple('Wait', 'kind package line stage')):
    "One wait: what kind, in which package (the innermost one), at which line, during which stage"
    def __str__(self): return f'{self.kind} at {self.line}'


class Log:
    "Waits and kernels so far"
    def __init__(self): self.stage, self.clear = 'elsewhere', self.start; self.start()

    def start(self):
        self.waits, self.kernels = [], collections.Counter()
        self.calls = collections.Counter()

    def note(self, kind): self.waits.append(Wait(kind, *_place(), self.stage))

    def __repr__(self):
        lines = collections.Counter(map(str, self.waits)).most_common()
        return f'{len(self.waits)} waits, {self.kernels.total()} kernels' + ''.join(
            f'\n{n:5} × {line}' for line, n in lines)

    @contextlib.contextmanager
    def during(self, stage):
        "Within: what is noted belongs to this stage"
        before, self.stage = self.stage, stage
        try: yield
        finally: self.stage = before

    def per_stage(self, package=None):
        "Stage → waits, of all packages or of one"
        return collections.Counter(w.stage for w in self.waits if package in (None, w.package))


def _place():
    "The innermost known package on the stack, and the line in it"
    frame = sys._getframe(1)
    while frame:
        path = Path(frame.f_code.co_filename).parts
        package = next((p for p in reversed(path[:-1]) if p in PACKAGES), None)
        if package: return package, f'{package}/{path[-1]}:{frame.f_lineno}'
        frame = frame.f_back
    return 'elsewhere', 'elsewhere'


LOG = Log() # Of the simulation that runs

# ---- A tensor on the device

class Sim(torch.Tensor):
    "A tensor that says it is on the GPU; its numbers are in `elem`, in memory"
    @staticmethod
    def __new__(cls, elem, requires_grad=None):
        if requires_grad is not None: return torch.nn.Parameter(elem, requires_grad)
        new = torch.Tensor._make_wrapper_subclass(
            cls, elem.size(), strides=elem.stride(), storage_offset=elem.storage_offset(),
            dtype=elem.dtype, device='meta')
        new.elem = elem.detach()
        return new
    device = property(lambda self: DEVICE)
    is_cuda = property(lambda self: True)
    is_cpu = is_meta = property(lambda self: False)
    def __repr__(self): return f'Sim({self.elem})'
    def data_ptr(self): return self.elem.data_ptr()
    def cuda(self, *args, **kwargs): return self
    def get_device(self): return 0
    def tolist(self): LOG.note('tolist'); return self.elem.tolist()
    def numpy(self, *args, **kwargs):
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first.")
    def __format__(self, spec): return repr(self) if self.dim() else self.item().__format__(spec)
    def __deepcopy__(self, memo):
        new = Sim(self.elem.clone())
        if getattr(self, '_is_param', False): new = torch.nn.Parameter(new, self.requires_grad)
        return memo.setdefault(id(self), new)
    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None): return run(func, args, kwargs)


def on_device(t): return isinstance(t, Sim)
def host(t): return t.elem if on_device(t) else t
def sim(t): return Sim(t) if isinstance(t, torch.Tensor) and not on_device(t) else t

# ---- What happens to an operation

def _tensors(values):
    "Those among the arguments of an operation: one by one, or in lists"
    for v in values:
        if isinstance(v, torch.Tensor): yield v
        elif isinstance(v, (list, tuple)): yield from (t for t in v if isinstance(t, torch.Tensor))

def _each(f, x):
    "`f` of a tensor, or of each in a list; anything else stays"
    if isinstance(x, torch.Tensor): return f(x)
    return type(x)(_each(f, v) for v in x) if isinstance(x, (list, tuple)) else x

def run(func, args=(), kwargs=None):
    "One operation: refused, counted, done in memory"
    kwargs = dict(kwargs or {})
    tensors = [*_tensors(args), *_tensors(kwargs.values())]
    device = kwargs.get('device')
    if not any(map(on_device, tensors)) and not _wants_gpu(device): return func(*args, **kwargs)
    if _wants_gpu(device): kwargs['device'] = torch.device('cpu')
    in_memory = _each(host, args), {k: _each(host, v) for k, v in kwargs.items()}
    if func is aten._to_copy.default: return _copied(func, in_memory, args[0], device, kwargs)
    if func is aten.copy_.default: return _copied_into(func, in_memory, *args[:2], args[2:])
    _check_devices(func, args, kwargs, tensors)
    _count(func, args, kwargs)
    out = func(*in_memory[0], **in_memory[1])
    if func in READS: return out
    return return_and_correct_aliasing(func, args, kwargs, _each(sim, out))

def _wants_gpu(device):
    "To torch's own code it is a tensor of `meta`: unless a caller said meta, the GPU is meant"
    kind = device and torch.device(device).type
    return kind == 'cuda' or kind == 'meta' and not _Functions.said_meta

def _copied(func, in_memory, source, device, kwargs):
    "`.to(…)`: between devices it waits, unless it is a non-blocking copy to the GPU"
    here = on_device(source)
    there = _wants_gpu(device) if device is not None else here
    _note_copy(here, there, kwargs.get('non_blocking'))
    if device is not None: in_memory[1]['device'] = torch.device('cpu') if there else device
    out = func(*in_memory[0], **in_memory[1])
    return Sim(out.clone() if here != there else out) if there else out

def _copied_into(func, in_memory, target, source, more):
    "`target.copy_(source)`"
    _note_copy(on_device(source), on_device(target), more and more[0])
    func(*in_memory[0], **in_memory[1])
    return target

def _note_copy(here, there, non_blocking):
    if here and not there: LOG.note('copy to the host')
    if there and not here and not non_blocking: LOG.note('copy to the device')

def _check_devices(func, args, kwargs, tensors):
    "Of the host only numbers (0-d) and indices may be mixed in; no CPU generator"
    if func in INDEXING and on_device(args[0]): tensors = [args[0], *args[2:3]]
    if any(t.dim() for t in tensors if not on_device(t)):
        raise RuntimeError('Expected all tensors to be on the same device, but found at least two '
                           f'devices, cuda:0 and cpu! ({func} at {_place()[1]})')
    given = kwargs.get('generator')
    if given is not None and given.device.type == 'cpu':
        raise RuntimeError("Expected a 'cuda' device type for generator but found 'cpu' "
                           f'({func} at {_place()[1]})')

def _count(func, args, kwargs):
    "Kernels, and what waits"
    if not func.is_view: LOG.kernels[func.__name__] += 1
    if func in WAITS or _told_to_wait(func, args, kwargs):
        LOG.note(func.__name__.split('.')[0].strip('_'))
    if func in INDEXING:
        for i in args[1]:
            if i is not None and not on_device(i): LOG.note('index from the host')
            elif i is not None and i.dtype in (torch.bool, torch.uint8): LOG.note('index by a mask')

def _told_to_wait(func, args, kwargs):
    "`inv_ex(x, check_errors=True)` and alike; `repeat_interleave` without its length"
    if func is aten.repeat_interleave.Tensor: return kwargs.get('output_size') is None
    at = _place_of_check(func)
    return at is not None and bool(kwargs.get('check_errors', at < len(args) and args[at]))

@functools.cache
def _place_of_check(func):
    names = [a.name for a in func._schema.arguments]
    return names.index('check_errors') if 'check_errors' in names else None

# ---- The simulation

class _Dispatch(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None): return run(func, args, kwargs)


def _numbered(a):
    "cuda is cuda:0: torch would ask the driver for the number"
    says = a == 'cuda' if isinstance(a, str) else isinstance(a, torch.device) and a.type == 'cuda'
    return DEVICE if says else a


def _is_meta(a): return isinstance(a, (str, torch.device)) and str(a) == 'meta'


class _Functions(TorchFunctionMode):
    "What is made of Python numbers is made on the host and sent over: a copy that waits"
    said_meta = False

    def __torch_function__(self, func, types, args=(), kwargs=None):
        args = [_numbered(a) for a in args]
        kwargs = {k: _numbered(v) for k, v in (kwargs or {}).items()}
        _Functions.said_meta = any(map(_is_meta, [*args, *kwargs.values()]))
        try: return self._call(func, args, kwargs)
        finally: _Functions.said_meta = False

    def _call(self, func, args, kwargs):
        if func is torch.Tensor.to and on_device(args[0]): return _to(*args, **kwargs)
        if func in (torch.Tensor.__getitem__, torch.Tensor.__setitem__): args[1] = _index(args[1])
        if func == torch.Tensor.data.__set__ and on_device(args[0]) != on_device(args[1]):
            return _set_data(*args)
        made = func in (torch.tensor, torch.as_tensor, torch.asarray)
        sent = made and kwargs.get('device') == DEVICE and not on_device(args[0])
        if func is torch.Tensor.new_tensor:
            sent = on_device(args[0]) and kwargs.get('device', DEVICE) == DEVICE
            args = [host(args[0]), *args[1:]]
        if not sent: return func(*args, **kwargs)
        kwargs.pop('device', None)
        LOG.note('copy to the device')
        return Sim(func(*args, **kwargs))


def _index(i):
    "Lists as indices are tensors of the host"
    if isinstance(i, list) and i: return torch.tensor(i)
    return tuple(map(_index, i)) if isinstance(i, tuple) else i

def _to(x, *args, **kwargs):
    "`x.to(…)` where x is on the device: itself, if its type stays"
    place = args[0] if args else kwargs.get('device')
    if _is_meta(place): return host(x).to('meta')
    if place is not DEVICE: return torch.Tensor.to(x, *args, **kwargs)
    given = dict(zip(('device', 'dtype', 'non_blocking', 'copy'), args)) | kwargs
    how = {k: given[k] for k in ('dtype', 'copy', 'memory_format') if given.get(k)}
    return torch.Tensor.to(x, **how) if how else x

def _set_data(tensor, new):
    "`tensor.data = new` from another device: the object stays, what it holds is another"
    new = torch.nn.Parameter(new, tensor.requires_grad) if _is_parameter(tensor) else new.detach()
    torch.utils.swap_tensors(tensor, new)

def _is_parameter(t): return isinstance(t, torch.nn.Parameter)


@contextlib.contextmanager
def simulated(
    log=None, # A `Log` to go on with
):            # Its `Log`
    "Within: there is a cuda:0"
    global LOG
    before, LOG = LOG, log or Log()
    overwrite = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    try:
        with pretend_that('torch.cuda._lazy_init', lambda: None), _Functions(), _Dispatch():
            yield LOG
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(overwrite)
        LOG = before


@contextlib.contextmanager
def stages(
    log,      # Of `simulated`
    **modules # Name → module
):
    "Within: each call of a module is a stage of its own, “name 0”, “name 1” …"
    open_, handles = [], []
    def enter(name):
        def hook(module, args):
            open_.append(log.stage)
            log.stage = f'{name} {log.calls[name]}'
            log.calls[name] += 1
        return hook
    def leave(module, args, out): log.stage = open_.pop()
    for name, m in modules.items():
        handles.append(m.register_forward_pre_hook(enter(name), prepend=True))
        handles.append(m.register_forward_hook(leave, always_call=True))
    try: yield log
    finally:
        for h in handles: h.remove()


def left_behind(
    module, # Any module
):          # Names of parameters and buffers that are not on the simulated device
    "What `.to('cuda')` did not move"
    named = [*module.named_parameters(), *module.named_buffers()]
    return [n for n, t in named if not on_device(t)]
