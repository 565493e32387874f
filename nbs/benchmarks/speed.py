"Speed and memory, measured: `python nbs/benchmarks/speed.py run` fills speed.json beside this file, row by row; 02_speed.ipynb says what the rows mean"
import argparse, copy, gc, json, os, re, subprocess, sys, tempfile, time, warnings
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
import numpy as np
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

HERE = Path(__file__).resolve().parent
RESULTS, THREADS = HERE/'speed.json', 2
WIDTHS = [320]*2 + [640]*2 + [1280]*2 + [1280]*3 + [640]*3 + [320]*3 + [1280] # Of SD 1.5's 16 cross-attentions, in the network's order
PROMPT = 'a {} on the beach'

# ---- Results and their statistics

def read(
    path=RESULTS, # Of `run`
)->dict:          # Row → what was measured
    "Stored results; none is a result too"
    return {k: v for k, v in json.loads(Path(path).read_text()).items() if not v.get('quick')} if Path(path).is_file() else {}

def paired(
    times, # Arm → seconds, one for each round
    a, b,  # Two arms
    n=10_000, # Resamplings
):         # Namespace: median, low, high (95 % bootstrap interval of the median), pairs
    "How many times as long `a` takes as `b`, round by round"
    r = np.array(times[a])/np.array(times[b]); some = np.random.default_rng(0).choice(r, (n, len(r)))
    low, high = np.quantile(np.median(some, 1), [.025, .975])
    return SimpleNamespace(median=float(np.median(r)), low=float(low), high=float(high), pairs=len(r))

def ratio(
    found, # From `read`
    row, a, b,
    part=None, # Where a row has several parts: which
):             # From `paired`; None where it was not measured
    "A ratio of a row"
    times = found.get(row, {}).get('times', {}); times = times.get(part, {}) if part else times
    return paired(times, a, b) if a in times and b in times else None

def difference(
    times, # Arm → seconds, one for each round
    a, b,  # Two arms
    n=10_000, # Resamplings
):         # Namespace: median, low, high (95 % bootstrap interval of the median), pairs, in seconds
    "How much longer `a` takes than `b`, round by round"
    r = np.array(times[a]) - np.array(times[b])
    some = np.random.default_rng(0).choice(r, (n, len(r)))
    low, high = np.quantile(np.median(some, 1), [.025, .975])
    return SimpleNamespace(median=float(np.median(r)), low=float(low), high=float(high), pairs=len(r))

def row_of(arm):
    "The row where another method's step was measured"
    return 'learn_others' if arm in ('lora', 'custom') else 'learn'

def said(r):
    "A ratio in words"
    return 'not run here' if r is None else f'{r.median:.3f} [{r.low:.3f}, {r.high:.3f}], {r.pairs} pairs'

def slope(
    times, # Number of concepts, as text → seconds, one for each round
    n=10_000,
):         # Namespace: median, low, high, pairs, in seconds for one more
    "Seconds for one more, a line through each round"
    xs = sorted((k for k in times if int(k)), key=int); x = np.array([int(k) for k in xs], float); y = np.array([times[k] for k in xs])
    x -= x.mean(); s = x @ y/(x @ x); some = np.random.default_rng(0).choice(s, (n, len(s)))
    low, high = np.quantile(np.median(some, 1), [.025, .975])
    return SimpleNamespace(median=float(np.median(s)), low=float(low), high=float(high), pairs=len(s))

# ---- Counting

aten = torch.ops.aten
FORMULAS = {aten._scaled_dot_product_flash_attention_for_cpu: flop_registry[aten._scaled_dot_product_flash_attention], # The CPU's own has none yet
            aten._scaled_dot_product_flash_attention_for_cpu_backward: flop_registry[aten._scaled_dot_product_flash_attention_backward]} | flop_registry

class Count(TorchDispatchMode):
    "FLOPs of what runs within, by torch's formulas, and bytes: every operation reads its inputs and writes its outputs once"
    def __init__(self, intensity=4): super().__init__(); self.flops = self.bytes = self.moved = 0; self.intensity = intensity
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if func.namespace != 'aten' or _free(func): return out
        f = FORMULAS.get(func._overloadpacket); f = int(f(*args, **(kwargs or {}), out_val=out)) if f else 0
        b = sum(min(t.numel()*t.element_size(), t.untyped_storage().nbytes()) for t in torch.utils._pytree.tree_leaves((args, kwargs, out)) if torch.is_tensor(t))
        self.flops += f; self.bytes += b
        if f < self.intensity*b: self.moved += b # Too few FLOPs for its bytes: memory decides
        return out
    def numbers(self): return dict(flops=self.flops, bytes=self.bytes, moved=self.moved)

def _free(func):
    "Views and empty memory move nothing"
    name = func._schema.name.removeprefix('aten::')
    return name.startswith(('empty', 'new_empty', '_unsafe_view', 'detach', '_local_scalar')) or any(r.alias_info is not None and not r.alias_info.is_write for r in func._schema.returns)

def count(
    f, # Function without arguments
)->dict: # flops, bytes, moved (bytes of operations with fewer than 4 FLOPs a byte)
    "What one call costs"
    with Count() as c: f()
    return c.numbers()

def predict(
    counted, # From `count`
    machine, # Row "machine" of the results
    cached=False, # Does all of it fit into the cache?
)->float:    # Seconds
    "Products at the measured rate, the rest at the measured bandwidth (Eq. 1)"
    return counted['flops']/machine['flops_per_s'] + counted['moved']/machine['cached_bytes_per_s' if cached else 'bytes_per_s']

# ---- What is measured

class Projections(nn.Module):
    "SD 1.5's 32 key and value projections without the rest of the network"
    def __init__(self, d=768, widths=WIDTHS):
        super().__init__()
        self.layers = nn.ModuleList(nn.ModuleDict({k: nn.Linear(d, w, bias=False) for k in ('to_k', 'to_v')}) for w in widths)
        self.requires_grad_(False)
    def forward(self, e): return [p(e) for layer in self.layers for p in layer.values()]
    @property
    def contexts(self): return {'text': {f'layers.{k}': (f'layers.{k}.to_k', f'layers.{k}.to_v') for k in range(len(self.layers))}}

def twin(
    network,
    own=(), # Parameters whose names end so are copied
):
    "A copy of a network that shares its tensors, so that each arm has its own hooks and adapters"
    return copy.deepcopy(network, {id(t): t for n, t in [*network.named_parameters(), *network.named_buffers()] if not n.endswith(tuple(own))})

def text_model(tokenizer, layers=12):
    "A text encoder of SD 1.5's width with random weights"
    from transformers import CLIPTextConfig, CLIPTextModel
    return CLIPTextModel(CLIPTextConfig(vocab_size=len(tokenizer), hidden_size=768, intermediate_size=3072, num_hidden_layers=layers, num_attention_heads=12, projection_dim=768,
                                        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.eos_token_id)).eval().requires_grad_(False)

def unet_model(widths=(320, 640, 1280, 1280), side=32):
    "SD 1.5's U-Net with random weights"
    from diffusers import UNet2DConditionModel
    return UNet2DConditionModel(cross_attention_dim=768, attention_head_dim=8, block_out_channels=widths, sample_size=side).eval().requires_grad_(False)

def sd15(quick=False):
    "U-Net, text encoder and tokenizer of SD 1.5's sizes (a tenth of the width in a trial)"
    from perfusion_nb.text import clip_tokenizer
    torch.manual_seed(0); tok = clip_tokenizer()
    return unet_model((32, 64, 128, 128) if quick else (320, 640, 1280, 1280)), text_model(tok, 1 if quick else 12), tok

def pipeline(unet, text, tok):
    "A pipeline of these; its autoencoder is not used"
    from diffusers import DDIMScheduler, StableDiffusionPipeline
    from perfusion_nb.tiny import tiny_pipeline
    pipe = StableDiffusionPipeline(vae=tiny_pipeline().vae, text_encoder=text, tokenizer=tok, unet=unet, safety_checker=None, feature_extractor=None, requires_safety_checker=False,
        scheduler=DDIMScheduler(beta_start=.00085, beta_end=.012, beta_schedule='scaled_linear', clip_sample=False, set_alpha_to_one=False, steps_offset=1))
    pipe.set_progress_bar_config(disable=True)
    return pipe

def arm_pipeline(base, own=()):
    "A pipeline of its own over shared weights"
    unet, text, tok = base
    return pipeline(twin(unet, own), twin(text), copy.deepcopy(tok))

def tiny_text(layers=1):
    "A shallow text encoder of SD 1.5's width, with the embedded model's small vocabulary"
    from perfusion_nb.tiny import tiny_pipeline
    tok = tiny_pipeline().tokenizer; torch.manual_seed(0)
    return text_model(tok, layers), tok

def wire(net, text, tok):
    "The bare projections, wired as a network"
    from perfusion_nb.wiring import Perfusion
    pipe = SimpleNamespace(network=net, text_encoder=twin(text), tokenizer=copy.deepcopy(tok))
    return Perfusion(pipe, contexts=net.contexts, call=lambda network, z, t, e: network(e), sample_shape=(1,))

def random_concept(token, cov, widths, seed):
    "A record whose vectors are noise, with the size and metric of real ones"
    from perfusion_nb.concept import Concept
    from perfusion_nb.gate import dual
    g = torch.Generator().manual_seed(seed); draw = lambda n: torch.randn(n, generator=g)
    i = (cov.factor() @ draw(cov.d).double()).float()
    return Concept(token, 'cat', {'text': i}, {'text': dual(i, cov)}, {'text': draw(cov.d)}, {'text_encoder': draw(768)}, {n: draw(w) for n, w in widths.items()}, {})

# ---- Clocks

def alternate(
    arms,   # Name → function without arguments
    rounds, # How often each is timed
    warm=2, # Rounds before, not timed
    after={}, # Name → what is done after it, not timed
    clock=time.perf_counter, # Or `time.thread_time`: the processor's, of this thread alone
)->dict:    # Name → seconds, one for each round
    "All arms in every round, each round begun by another, so that a slow moment of the machine meets all of them"
    names, times, done = list(arms), {n: [] for n in arms}, lambda n: after.get(n, lambda: None)()
    for _ in range(warm):
        for n in names: arms[n](); done(n)
    for r in range(rounds):
        gc.collect(); k = r % len(names)
        for n in names[k:] + names[:k]:
            t = clock(); arms[n](); times[n].append(clock() - t); done(n)
    return {n: [float(f'{t:.5g}') for t in ts] for n, ts in times.items()}

def peak():
    from perfusion_nb.baselines import peak
    return peak() # MiB so far, of this process alone

# ---- The rows: each in a process of its own

def machine(quick):
    "The machine: products a second, bytes a second, seconds of an operation on nothing"
    n, m = (512, 1<<22) if quick else (3072, 1<<26)
    a, b, src, dst, one = torch.randn(n, n), torch.randn(n, n), torch.randn(m), torch.empty(m), torch.zeros(1); near, far = torch.randn(1<<18), torch.empty(1<<18)
    times = alternate(dict(product=lambda: a @ b, copy=lambda: dst.copy_(src), cached=lambda: [far.copy_(near) for _ in range(100)], nothing=lambda: [one + one for _ in range(1000)]), 3 if quick else 15)
    best = lambda k: float(np.median(times[k]))
    cpu = next((l.split(':')[1].strip() for l in open('/proc/cpuinfo') if l.startswith('model name')), '?') if os.path.exists('/proc/cpuinfo') else '?'
    return dict(times=times, flops_per_s=2*n**3/best('product'), bytes_per_s=8*m/best('copy'), cached_bytes_per_s=100*8*2**18/best('cached'), s_per_op=best('nothing')/1000, cpu=cpu, cores=os.cpu_count())

def _fresh(e): return e.detach().clone().requires_grad_()

def layer_arms(d_out, is_key, b=4, n=77, d=768):
    "One projection, forward and backward: bare, edited here, edited by perfusion-pytorch"
    warnings.filterwarnings('ignore', module='beartype')
    from perfusion_pytorch import Rank1EditModule as Theirs
    from perfusion_nb.keylock import Rank1EditModule
    from perfusion_nb.train import perfusion_pytorch_covariance
    g = torch.Generator().manual_seed(0); rand = lambda *s: torch.randn(*s, generator=g)
    cov, at = perfusion_pytorch_covariance(), torch.tensor([3, 2, 5, 1])[:b]; rows = torch.arange(b), at
    e, grad = (rand(b*n, d) @ cov.factor().float().T).view(b, n, d), rand(b, n, d_out); e_super = e.clone(); e_super[rows] = e[rows] + .1
    bare = nn.Linear(d, d_out, bias=False).requires_grad_(False); now = dict(concept_indices=at, text_enc_with_superclass=e_super)
    ours, theirs = Rank1EditModule(copy.deepcopy(bare), is_key_proj=is_key, C=cov), Theirs(copy.deepcopy(bare), is_key_proj=is_key, C=cov.C.float(), text_seq_len=n)
    ours.encodings[0].hooked = True; ours(e, **now); theirs(e, **now); ours.commit()
    def run(f):
        def go(): x = _fresh(e); f(x).backward(grad); ours.o_star is None or setattr(ours.o_star, 'grad', None); theirs.concept_outputs.grad = None; return x.grad
        return go
    return dict(bare=run(bare), ours=run(lambda x: ours(x, concept_indices=at)), theirs=run(lambda x: theirs(x, **now)))

def layer(quick):
    "The edit layer"
    out = dict(times={}, counts={})
    for d_out in (320,) if quick else (320, 640, 1280):
        for kind in ('keys', 'values'):
            arms = layer_arms(d_out, kind == 'keys')
            out['counts'][f'{kind} {d_out}'] = {k: count(f) for k, f in arms.items()}
            out['times'][f'{kind} {d_out}'] = alternate(arms, 3 if quick else 101, warm=5)
    return out

def projection_arms(b=4):
    "All 32 projections, forward and backward, as one step of learning needs them"
    warnings.filterwarnings('ignore', module='beartype')
    from perfusion_pytorch import Rank1EditModule as Theirs
    from perfusion_nb.keylock import ConceptEncoding, Rank1EditModule
    from perfusion_nb.data import TEMPLATES
    from perfusion_nb.train import perfusion_pytorch_covariance
    (text, tok), cov = tiny_text(), perfusion_pytorch_covariance(); torch.manual_seed(0); base = Projections()
    perf = wire(twin(base), text, tok); c = perf.begin('<toy>', 'cat', covariance=cov)
    prompts = [t.format('<toy>') for t in TEMPLATES[:b]]
    with torch.no_grad(): e_super = perf.text.encode([p.replace('<toy>', 'cat') for p in prompts]).encodings; e = perf.text.encode(prompts).encodings # In this order: at first they are equal, and a row is known by its value
    ids = perf.text.tokenize(prompts)
    at = perf.text.concept_index(ids, c.placeholder); now = dict(concept_indices=at, text_enc_with_superclass=e_super)
    grads = [torch.randn(b, 77, p.out_features) for l in base.layers for p in l.values()]
    shared = ConceptEncoding(768, cov); shared.hooked = True
    modules = [Rank1EditModule(p, is_key_proj=k == 'to_k', encoding=shared) for l in twin(base).layers for k, p in l.items()]
    theirs = [Theirs(p, is_key_proj=k == 'to_k', C=cov.C.float()) for l in twin(base).layers for k, p in l.items()]
    learned = [*c.o_star.values(), *(m.o_star for m in modules if m.o_star is not None), *(m.concept_outputs for m in theirs)]
    def taught(x): # As `predict` does: the encodings were made a moment ago, nobody needs to find out what they are
        perf.recogniser.know(x, next(iter(perf.texts)), ids)
        with perf.teaching(c): return perf.network(x)
    def step(f, then=lambda: None):
        def go():
            x = _fresh(e); torch.autograd.backward(f(x), grads); then()
            for p in learned: p.grad = None
        return go
    arms = dict(bare=step(base), hooks=step(taught, c.encoding.commit), modules=step(lambda x: [m(x, **now) for m in modules], shared.commit), theirs=step(lambda x: [m(x, **now) for m in theirs]))
    held = dict(ours=cov.C.nbytes + cov.factor().nbytes, theirs=sum(m.C_inv.nbytes for m in theirs))
    return arms, held, perf

def projections(quick):
    "All 32 projections"
    arms, held, _ = projection_arms(1 if quick else 4)
    counts = {k: count(f) for k, f in arms.items()}
    return dict(times=alternate(arms, 2 if quick else 41), counts=counts, held=held)

def several_arms(numbers=(0, 1, 2, 4, 8, 16)):
    "All 32 projections for one prompt that names J concepts, and the empty one, as a step of drawing calls them"
    from perfusion_nb.train import sd15_covariance
    (text, tok), cov = tiny_text(), sd15_covariance(); torch.manual_seed(0); base, arms = Projections(), {}
    for J in numbers:
        perf = wire(twin(base), text, tok); widths = perf._widths()
        for j in range(J): perf.install(random_concept(f'<c{j}>', cov, widths, j))
        with torch.no_grad(): e = perf.text.encode([' and '.join(f'a <c{j}>' for j in range(J)) or 'a cat', '']).encodings
        def go(perf=perf, e=e):
            with torch.no_grad(): return perf.network(e)
        go() # What a text is, is found out in the first call
        arms[str(J)] = go
    return arms

def several(quick):
    "Several concepts"
    arms = several_arms((0, 1, 2) if quick else (0, 1, 2, 4, 8, 16))
    return dict(times=alternate(arms, 3 if quick else 61, warm=5), counts={k: count(f) for k, f in arms.items()})

@contextmanager
def learning(pipe, cov):
    "A concept in the making on a pipeline, as `perf.learn` sets it up: one optimizer step with batch 1 a call"
    from perfusion_nb.data import PictureSet
    from perfusion_nb.train import Learning
    from perfusion_nb.wiring import Perfusion
    perf = Perfusion(pipe)
    c = perf.begin('<toy>', 'teddy bear', covariance=cov)
    side, g = pipe.unet.config.sample_size, torch.Generator().manual_seed(0)
    bank = PictureSet(torch.randn(5, 4, side, side, generator=g), torch.zeros(5, 4, side, side))
    recipe = perf.recipe(steps=10**6, batch_size=1, micro_batch=1, lr_value=.03, lr_embedding=.006)
    state = Learning(perf, c, bank, recipe)
    with state.running(): yield SimpleNamespace(perf=perf, c=c, bank=bank, state=state, step=state.take_step)

def plain_step(unet, encode, opt, batch):
    "The same step for another method"
    from perfusion_nb.train import loss_fn_weighted_by_mask
    def go():
        z, t, target, masks, prompts, *_ = batch(); e = encode(prompts)
        loss_fn_weighted_by_mask(unet(z, t, encoder_hidden_states=e).sample, target, masks).backward(); opt.step(); opt.zero_grad(set_to_none=True)
    return go

def learn_arms(stack, base, which=('perfusion', 'embedding', 'lora', 'custom')):
    "One optimizer step of each method, over the same weights; the batch is made in the step"
    from perfusion_nb.text import TextHooks, encode_prompts
    from perfusion_nb.train import sd15_covariance
    ours = stack.enter_context(learning(arm_pipeline(base), sd15_covariance())); arms, row = dict(perfusion=ours.step), 0
    def batch(token): return lambda: ours.perf.training_batch(ours.bank, token, 0, ours.state.step, range(1))
    adam = lambda ps, lr: torch.optim.AdamW(ps, lr=lr, weight_decay=0.)
    def word(pipe): hooks = TextHooks(pipe.text_encoder, pipe.tokenizer); return hooks, hooks.add('<toy>', 'teddy bear').row
    if 'embedding' in which:
        pipe = arm_pipeline(base); hooks, row = word(pipe)
        arms['embedding'] = plain_step(pipe.unet, lambda p, h=hooks: h.encode(p).encodings, adam([row], .005), batch('<toy>'))
    if 'lora' in which:
        from peft import LoraConfig
        pipe = arm_pipeline(base); pipe.unet.add_adapter(LoraConfig(r=4, lora_alpha=4, init_lora_weights='gaussian', target_modules=['to_k', 'to_q', 'to_v', 'to_out.0']))
        @torch.no_grad()
        def plain(p, pipe=pipe): return encode_prompts(p, pipe.tokenizer, pipe.text_encoder).encodings
        arms['lora'] = plain_step(pipe.unet, plain, adam([p for p in pipe.unet.parameters() if p.requires_grad], 1e-4), batch('teddy bear'))
    if 'custom' in which:
        pipe = arm_pipeline(base, ('attn2.to_k.weight', 'attn2.to_v.weight')); hooks, row = word(pipe)
        kv = [p.requires_grad_() for n, p in pipe.unet.named_parameters() if n.endswith(('attn2.to_k.weight', 'attn2.to_v.weight'))]
        arms['custom'] = plain_step(pipe.unet, lambda p, h=hooks: h.encode(p).encodings, adam([*kv, row], 1e-5), batch('<toy>'))
    return arms

def learn(quick, which=('perfusion', 'embedding'), rounds=20):
    "A step of learning against the word alone, SD 1.5's sizes, latents 32×32, batch 1"
    with ExitStack() as stack:
        arms = learn_arms(stack, sd15(quick), which); counts = {k: count(f) for k, f in arms.items()}
        return dict(times=alternate(arms, 2 if quick else rounds), counts=counts)

def learn_others(quick):
    "The same step against other methods"
    return learn(quick, ('perfusion', 'lora', 'custom'), 16)

KINDS = {'convolutions': 'conv', 'attention': 'scaled_dot_product|flash', 'products': 'mm$|matmul|linear', 'norms': 'norm', 'copies': 'copy|clone|contiguous|cat$|fill|zero', 'element by element': '.'}

def profile(quick):
    "Where the time of a step of learning goes: by part, and by kind of operation"
    from perfusion_nb.train import sd15_covariance
    parts, open_ = {}, []
    def clock(name, f):
        def go(*a, **k):
            t = time.perf_counter(); open_.append(0.)
            try: return f(*a, **k)
            finally: whole = time.perf_counter() - t; parts.setdefault(name, []).append(whole - open_.pop()); open_ and open_.__setitem__(-1, open_[-1] + whole)
        return go
    unet, text, tok = sd15(quick)
    with learning(pipeline(unet, text, tok), sd15_covariance()) as l:
        for _ in range(2): l.step()
        from torch.profiler import profile as profiler, ProfilerActivity
        with profiler(activities=[ProfilerActivity.CPU]) as p: l.step()
        for o, name, what in ((l.perf, 'training_batch', 'noise, latents, prompt'), (l.perf.text.text_encoder, 'forward', 'text encoder, forward'), (l.perf.rider, 'widened', 'edit: r, gates, e without the concept'),
                              (l.perf.recogniser, 'found', 'edit: which row names the concept'), (l.perf.network, 'forward', 'U-Net, forward'), (torch.Tensor, 'backward', 'backward, both'), (l.state.opt, 'step', 'optimizer'), (l.c.encoding, 'commit', 'i* and its dual')):
            setattr(o, name, clock(what, getattr(o, name)))
        step = clock('rest', l.step)
        for _ in range(2 if quick else 7): step()
    ops = {e.key.removeprefix('aten::'): e.self_cpu_time_total/1e6 for e in p.key_averages() if e.self_cpu_time_total}; kinds = {}
    for k, s in ops.items(): kind = next(name for name, how in KINDS.items() if re.search(how, k)); kinds[kind] = kinds.get(kind, 0) + s
    return dict(parts={k: float(f'{np.median(v):.4g}') for k, v in parts.items()}, kinds={k: float(f'{s:.4g}') for k, s in kinds.items()}, ops={k: float(f'{s:.4g}') for k, s in sorted(ops.items(), key=lambda x: -x[1])[:12]})

def draw_arms(plain, perf, prompt, **how):
    "A picture by the untouched pipeline, with the concept under both locks, and by the wired pipeline without its word"
    of = lambda token, **kw: lambda: perf.draw(PROMPT.format(token), **how, **kw)
    untouched = lambda: plain([prompt], generator=[torch.Generator().manual_seed(0)], num_inference_steps=how['steps'], **{k: v for k, v in how.items() if k != 'steps'})
    return dict(untouched=untouched, local=of('<toy>', lock='local'), **{'global': of('<toy>', lock='global')})

def installed(pipe, superclass, cov):
    "A loaded concept, a little away from its superclass: time does not depend on what was learned"
    from perfusion_nb.wiring import Perfusion
    perf = Perfusion(pipe); perf.begin('<toy>', superclass, covariance=cov); record = perf.record('<toy>'); perf.unload(); [v.mul_(1.01) for v in record.token_embedding.values()]; perf.install(record)
    return perf

def draw(quick, which=('untouched', 'local'), rounds=15):
    "Drawing at SD 1.5's sizes: latents 32×32, guidance, two steps, without the decoder; one thread, its processor time"
    torch.set_num_threads(1)
    import perfusion_nb.sample
    from perfusion_nb.train import sd15_covariance
    base = sd15(quick); plain, perf = arm_pipeline(base), installed(arm_pipeline(base), 'teddy bear', sd15_covariance())
    how = dict(steps=2, guidance_scale=7.5, output_type='latent'); arms = {k: f for k, f in draw_arms(plain, perf, PROMPT.format('teddy bear'), **how).items() if k in which}
    return dict(times=alternate(arms, 2 if quick else rounds, warm=1, clock=time.thread_time), counts={k: count(f) for k, f in arms.items()}, steps=2)

def draw_global(quick):
    "The same with the global lock"
    return draw(quick, ('untouched', 'local', 'global'), 10)

def draw_tiny(quick):
    "Drawing whole pictures with the embedded model"
    import perfusion_nb.sample
    from perfusion_nb.tiny import tiny_pipeline
    from perfusion_nb.train import find_covariance
    plain, pipe = tiny_pipeline(), tiny_pipeline(); perf = installed(pipe, 'cat', None); how = dict(steps=2 if quick else perf.base['draw_steps'], guidance_scale=perf.base['guidance_scale'])
    arms = draw_arms(plain, perf, PROMPT.format('cat'), **how); arms['wired, another prompt'] = lambda: perf.draw(PROMPT.format('cat'), **how)
    return dict(times=alternate(arms, 2 if quick else 41), counts={k: count(f) for k, f in arms.items()}, steps=how['steps'])

# ---- What the engine asks of Python, of a compiler and of threads

def at_superclass(perf, token, superclass, covariance=None):
    "A loaded concept that is still its superclass: counts and times do not depend on what was learned"
    from perfusion_nb.data import PictureSet
    side, channels = perf.network.config.sample_size, perf.network.config.in_channels
    bank = PictureSet(*(torch.zeros(1, channels, side, side) for _ in range(2)))
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as d:
        warnings.simplefilter('ignore') # The gate of an untrained concept may stay shut
        perf.learn(bank, token, superclass, steps=0, covariance=covariance, progress=False)
        path = perf.save(Path(d)/'concept.safetensors', token)
        perf.unload(token)
        perf.load(path)

WORDS = 'cat', 'dog', 'owl'

def wired(pipe, n, covariance=None):
    "A pipeline wired with n concepts, and a prompt that names them; None: untouched"
    from perfusion_nb.all import Perfusion
    if n is None: return None, ' and '.join(f'a {w}' for w in WORDS)
    perf = Perfusion(pipe)
    for w in WORDS[:n]: at_superclass(perf, f'<{w}>', w, covariance)
    return perf, ' and '.join(f'a <{w}>' if k < n else f'a {w}' for k, w in enumerate(WORDS))

def both_rows(pipe, prompt):
    "What the network reads for a prompt under guidance: the empty prompt and this one"
    with torch.no_grad(): e, empty = pipe.encode_prompt([prompt], 'cpu', 1, True)
    return torch.cat([empty, e])

def narrow():
    "SD 1.5's structure with narrow widths: its Python with hardly any arithmetic"
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel
    from perfusion_nb.tiny import tiny_pipeline
    torch.manual_seed(0)
    tok = tiny_pipeline().tokenizer
    unet = UNet2DConditionModel(cross_attention_dim=32, attention_head_dim=8, sample_size=8,
                                block_out_channels=(32, 64, 64, 64))
    text = CLIPTextModel(CLIPTextConfig(
        vocab_size=len(tok), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, projection_dim=32, bos_token_id=tok.bos_token_id,
        eos_token_id=tok.eos_token_id, pad_token_id=tok.pad_token_id))
    return unet.eval().requires_grad_(False), text.eval().requires_grad_(False), tok

def host_arms():
    "One network call with guidance: untouched, wired with no concept, with one, with three"
    from perfusion_nb.covariance import Covariance
    base, arms = narrow(), {}
    cov = Covariance(torch.eye(32), ridge=0)
    z, t = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([500])
    for name, n in (('untouched', None), ('empty', 0), ('one', 1), ('three', 3)):
        pipe = arm_pipeline(base)
        perf, prompt = wired(pipe, n, cov)
        e = both_rows(pipe, prompt)
        def go(unet=pipe.unet, e=e, keep=(pipe, perf)):
            with torch.no_grad(): return unet(z, t, encoder_hidden_states=e).sample
        arms[name] = go
    return arms

def host(quick):
    "Python of a network call, one thread"
    torch.set_num_threads(1)
    arms = host_arms()
    apart = {n: (f() - arms['untouched']()).abs().max().item() for n, f in arms.items()}
    assert apart['empty'] == 0 < apart['one'] # The edit is there, and nothing else
    return dict(times=alternate(arms, 21 if quick else 401, warm=5, clock=time.thread_time), one_thread=True)

class Counting:
    "A backend that counts the graphs it is given and runs them as they are"
    def __init__(self): self.graphs = 0
    def __call__(self, graph, inputs):
        self.graphs += 1
        return graph.forward

def compiled(pipe, how, fullgraph):
    "The U-Net of a pipeline, compiled as users do it; its counting backend"
    backend = Counting()
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    if how == 'whole': pipe.unet = torch.compile(pipe.unet, backend=backend, fullgraph=fullgraph)
    else: pipe.unet.compile_repeated_blocks(backend=backend, fullgraph=fullgraph)
    return backend

def drawn(pipe, prompt):
    "Latents after two steps"
    pipe.set_progress_bar_config(disable=True)
    return pipe(prompt, num_inference_steps=2, guidance_scale=3., output_type='latent',
                generator=torch.Generator().manual_seed(0))[0]

def graphs_of(n, how):
    "Graphs and breaks with n concepts (None: untouched), and how far the drawing is from the plain one"
    from perfusion_nb.tiny import tiny_pipeline
    found = {}
    for fullgraph in (True, False):
        pipe = tiny_pipeline()
        perf, prompt = wired(pipe, n)
        want = drawn(pipe, prompt)
        if perf and perf.concepts: # What would be lost if the edit got lost
            perf.disable()
            found['edit'] = (drawn(pipe, prompt) - want).abs().max().item()
            perf.enable()
        backend = compiled(pipe, how, fullgraph)
        try: apart = (drawn(pipe, prompt) - want).abs().max().item()
        except Exception as err: found['refused'] = f'{type(err).__name__}: {str(err).splitlines()[0]}'[:160]
        else:
            breaks = sum(torch._dynamo.utils.counters['graph_break'].values())
            return found | dict(fullgraph=fullgraph, graphs=backend.graphs, breaks=breaks, apart=apart)

def changes():
    "What may change between two drawings: name → function of (perf, prompt) → (prompt, settings)"
    def strength(perf, prompt):
        perf.set_strength({'<cat>': .5})
        return prompt, {}
    def second(perf, prompt):
        at_superclass(perf, '<dog>', 'dog')
        return prompt.replace('a dog', 'a <dog>'), {}
    return {'β': lambda perf, prompt: (prompt, dict(beta=.4)),
            'τ': lambda perf, prompt: (prompt, dict(tau=.05)),
            'strength': strength,
            'prompt': lambda perf, prompt: ('a <cat> on the beach', {}),
            'prompt without it': lambda perf, prompt: ('a tree', {}),
            'second concept': second}

def new_graphs(
    how, # 'whole' or 'repeated'
    fullgraph=False, # In one piece, or an error
):       # Change → graphs that it makes anew
    "Graphs compiled after a drawing with one concept and one without its word"
    from perfusion_nb.tiny import tiny_pipeline
    pipe = tiny_pipeline()
    perf, prompt = wired(pipe, 1)
    backend, found = compiled(pipe, how, fullgraph), {}
    for p in (prompt, 'a tree on grass', prompt): drawn(pipe, p)
    for name, change in changes().items():
        before = backend.graphs
        now, settings = change(perf, prompt)
        with perf.using(**settings): drawn(pipe, now)
        found[name] = backend.graphs - before
    return found

def graphs(quick):
    "Graph breaks and new graphs, embedded model"
    numbers = (None, 1) if quick else (None, 0, 1, 3)
    return dict(
        graphs={how: {str(n): graphs_of(n, how) for n in numbers} for how in ('whole', 'repeated')},
        new={how: new_graphs(how) for how in ('whole', 'repeated')})

MIXED = 'a <cat> on grass', 'a dog on the beach', 'two <cat> at night', 'a tree in the snow', '<cat>', 'a house'

def drawn_by_threads(pipe, prompts, threads, pictures, steps=3):
    "Pictures by several threads: each its own pipeline object, scheduler and tokenizer; networks are shared"
    import threading
    out, errors = {}, []
    def own():
        parts = dict(pipe.components, scheduler=copy.deepcopy(pipe.scheduler), tokenizer=copy.deepcopy(pipe.tokenizer))
        p = type(pipe)(**parts, requires_safety_checker=False)
        p.set_progress_bar_config(disable=True)
        return p
    def work(k, p):
        for j in range(k, pictures, threads):
            try: out[j] = p(prompts[j % len(prompts)], num_inference_steps=steps, guidance_scale=3., output_type='latent',
                            generator=torch.Generator().manual_seed(j % len(prompts)))[0]
            except Exception as err: errors.append(f'{type(err).__name__}: {err}'[:160])
    team = [threading.Thread(target=work, args=(k, own())) for k in range(threads)]
    for t in team: t.start()
    for t in team: t.join()
    return out, errors

def shared(concept, threads, pictures):
    "How many of the pictures that threads draw differ from those drawn alone"
    from perfusion_nb.all import Perfusion, example_concept
    from perfusion_nb.tiny import tiny_pipeline
    pipe = tiny_pipeline()
    if concept: Perfusion(pipe).load(example_concept('cat'))
    prompts = [p if concept else p.replace('<cat>', 'cat') for p in MIXED]
    alone = drawn_by_threads(pipe, prompts, 1, len(prompts))[0]
    out, errors = drawn_by_threads(pipe, prompts, threads, pictures)
    wrong = sum((out[j] - alone[j % len(prompts)]).abs().max().item() > 1e-4 for j in out)
    return dict(threads=threads, pictures=pictures, wrong=wrong, failed=len(errors), errors=sorted(set(errors))[:3])

def threads(quick):
    "Threads on shared networks, embedded model, mixed prompts"
    torch.set_num_threads(1)
    n = 12 if quick else 60
    return dict(untouched=[shared(False, k, n) for k in (2, 6)], wired=[shared(True, k, n) for k in (2, 6)])

# ---- The layer as it is installed

LEVELS = 320, 640, 1280

def levels():
    "A U-Net with a cross-attention of each width of SD 1.5's"
    from diffusers import UNet2DConditionModel
    torch.manual_seed(0)
    return UNet2DConditionModel(
        cross_attention_dim=768, attention_head_dim=8, sample_size=8, layers_per_block=1,
        block_out_channels=LEVELS, down_block_types=('CrossAttnDownBlock2D',)*3,
        up_block_types=('UpBlock2D',)*3).eval().requires_grad_(False)

def given(unet, e):
    "What the key and value projections of each width are given in one call: (width, name) → (layer, input)"
    got, handles = {}, []
    def keep(name):
        def hook(layer, args): got.setdefault((layer.out_features, name), (layer, args[0].detach()))
        return hook
    for m in unet.modules():
        if getattr(m, 'is_cross_attention', False):
            for name in ('to_k', 'to_v'): handles.append(getattr(m, name).register_forward_pre_hook(keep(name)))
    z = torch.randn(len(e), 4, 8, 8, generator=torch.Generator().manual_seed(0))
    try:
        with torch.no_grad(): unet(z, torch.tensor([500]), encoder_hidden_states=e)
    finally:
        for h in handles: h.remove()
    return got

def fed_arms(layer, x, d=768):
    "The installed layer and its bare linear layer, forward and backward, (4, 77, …)"
    bare = nn.Linear(d, layer.out_features, bias=False).requires_grad_(False)
    bare.weight = layer.weight
    x, grad = x.repeat(2, 1, 1), torch.randn(4, 77, layer.out_features)
    narrow = x[..., :d].contiguous()
    learned = [p for p in layer.parameters() if p.requires_grad]
    def run(f, x):
        def go():
            leaf = x.detach().requires_grad_() # No copy: the wide tensor is made once a call, not in a layer
            f(leaf).backward(grad)
            for p in learned: p.grad = None
            return leaf.grad
        return go
    return dict(bare=run(bare, narrow), installed=run(layer, x))

def fed(quick):
    "An installed layer given the wide tensor"
    from perfusion_nb.train import sd15_covariance
    text, tok = tiny_text()
    pipe = pipeline(levels(), text, tok)
    perf, prompt = wired(pipe, 1, sd15_covariance())
    found = given(pipe.unet, both_rows(pipe, prompt))
    out = dict(times={}, widths={})
    for width in LEVELS[:1] if quick else LEVELS:
        for name in ('to_k', 'to_v'):
            layer, x = found[width, name]
            part = f'{dict(to_k="keys", to_v="values")[name]} {width}'
            out['widths'][part] = x.shape[-1]
            if x.shape[-1] > 768: out['times'][part] = alternate(fed_arms(layer, x), 5 if quick else 201, warm=5)
    return out

# ---- Other rows

def files(quick):
    "Saving and loading a concept; loading a LoRA of rank 4 through PEFT beside it"
    from diffusers import StableDiffusionPipeline
    from diffusers.utils import convert_state_dict_to_diffusers
    from peft import LoraConfig, get_peft_model_state_dict
    from perfusion_nb.train import sd15_covariance
    base = sd15(quick); pipe, other = arm_pipeline(base), arm_pipeline(base); perf = installed(pipe, 'teddy bear', sd15_covariance())
    with tempfile.TemporaryDirectory() as d:
        path = Path(d)/'toy.safetensors'; perf.concepts['<toy>'].concept.meta.update(fingerprint=perf.base_fingerprint()); perf.save(path); perf.unload(); perf.load(path)
        other.unet.add_adapter(LoraConfig(r=4, target_modules=['to_k', 'to_q', 'to_v', 'to_out.0']))
        StableDiffusionPipeline.save_lora_weights(d, unet_lora_layers=convert_state_dict_to_diffusers(get_peft_model_state_dict(other.unet)), weight_name='lora.safetensors')
        other = arm_pipeline(base)
        perf.unload(); rounds = 2 if quick else 15
        times = alternate(dict(load=lambda: perf.load(path), lora=lambda: other.load_lora_weights(d, weight_name='lora.safetensors')), rounds, warm=1, after=dict(load=perf.unload, lora=other.unload_lora_weights))
        perf.load(path); times |= alternate(dict(save=lambda: perf.save(Path(d)/'again.safetensors')), rounds)
        return dict(times=times, bytes=dict(concept=path.stat().st_size, lora=(Path(d)/'lora.safetensors').stat().st_size))

def covariance(quick):
    "Measuring C on the embedded encoder: against encoding alone; time and memory by number of captions and processes"
    from perfusion_nb.tiny import tiny_pipeline
    from perfusion_nb.text import encode_prompts
    from perfusion_nb.train import pipeline_covariance
    pipe, n = tiny_pipeline(), 64 if quick else 1000
    def encode(padded=True):
        with torch.no_grad():
            for k in range(0, n, 32): encode_prompts(words[k:k+32], pipe.tokenizer, pipe.text_encoder, padded)
    words = list(captions(n)); arms = dict(encoding=encode, unpadded=lambda: encode(False), covariance=lambda: pipeline_covariance(pipe, words, progress=False))
    times, runs = alternate(arms, 2 if quick else 21), []
    counts = {k: count(f) for k, f in arms.items()}
    for k, processes in ((64, 1), (128, 2)) if quick else ((1000, 1), (10_000, 1), (100_000, 1), (10_000, 2)): runs.append(counting(k, processes))
    return dict(times=times, counts=counts, captions=n, runs=runs)

def captions(n):
    "Captions one by one, so that their list takes no memory"
    from perfusion_nb.train import plain_captions
    for part in range(-(-n//1000)): yield from plain_captions(min(1000, n - 1000*part), seed=part)

def counting(n, processes):
    "One estimate over `n` captions by fresh processes on two cores: seconds, and how far memory rises"
    launch = [] if processes == 1 else ['-m', 'torch.distributed.run', f'--nproc_per_node={processes}', '--master_addr=127.0.0.1', f'--master_port={29500 + os.getpid() % 400}']
    with tempfile.TemporaryDirectory() as d:
        _call([*launch, HERE/'speed.py', 'counting', str(n), d], threads=THREADS//processes)
        said = [json.loads(p.read_text()) for p in sorted(Path(d).glob('*.json'))]
    assert len(said) == processes and all(s['captions'] == n for s in said), said
    return dict(captions=n, processes=processes, seconds=max(s['seconds'] for s in said), rise_mib=max(s['rise_mib'] for s in said))

def _counting(n, folder):
    "What each of them does"
    from perfusion_nb.tiny import tiny_pipeline
    from perfusion_nb.train import pipeline_covariance
    pipe = tiny_pipeline(); pipeline_covariance(pipe, list(captions(64)), progress=False); before, t = peak(), time.perf_counter()
    cov = pipeline_covariance(pipe, captions(n), progress=False)
    (Path(folder)/f'{os.getpid()}.json').write_text(json.dumps(dict(captions=cov.meta['captions'], seconds=round(time.perf_counter() - t, 2), rise_mib=round(peak() - before, 1))))

def covariance_sd15(quick):
    "Measuring C with a text encoder of SD 1.5's size: 64 captions, against encoding them"
    from perfusion_nb.text import clip_tokenizer, encode_prompts
    from perfusion_nb.train import pipeline_covariance
    tok = clip_tokenizer(); torch.manual_seed(0); text = text_model(tok, 1 if quick else 12); pipe, words = SimpleNamespace(tokenizer=tok, text_encoder=text), list(captions(8 if quick else 64))
    def encode(padded=True):
        with torch.no_grad(): [encode_prompts(words[k:k+32], tok, text, padded) for k in range(0, len(words), 32)]
    def estimate():
        with warnings.catch_warnings(): warnings.simplefilter('ignore'); return pipeline_covariance(pipe, words, progress=False)
    arms = dict(encoding=encode, unpadded=lambda: encode(False), covariance=estimate); cov = estimate()
    return dict(times=alternate(arms, 2 if quick else 8, warm=1), counts={k: count(f) for k, f in arms.items()}, captions=len(words), end=alternate(dict(rank_check=lambda: cov.rank_check(warn=False)), 3))

def imports(quick):
    "Importing, in fresh processes: torch, then a module on top of it"
    code = 'import time; a = time.perf_counter(); import torch; b = time.perf_counter(); import {}; c = time.perf_counter(); import sys, json; print(json.dumps([b-a, c-b, sorted({{"diffusers", "transformers"}} & set(sys.modules))]))'
    times, heavy = {}, {}
    for module, rounds in (('perfusion_nb.gate', 11), ('perfusion_nb', 3), ('perfusion_nb.all', 3)):
        said = [json.loads(_call(['-c', code.format(module)]).splitlines()[-1]) for _ in range(2 if quick else rounds + 1)][1:]
        times[module] = dict(torch=[round(s[0], 4) for s in said], on_top=[round(s[1], 4) for s in said]); heavy[module] = said[0][2]
    return dict(times=times, heavy=heavy)

def picture(quick):
    "What half-precision values in the file do to pictures, embedded model"
    import perfusion_nb.sample
    from perfusion_nb.scenes import concept_pictures
    from perfusion_nb.tiny import tiny_pipeline
    from perfusion_nb.train import HELD_OUT_PROMPTS
    from perfusion_nb.wiring import Perfusion
    perf = Perfusion(tiny_pipeline()); t = time.perf_counter(); perf.learn(concept_pictures('cat'), '<cat>', 'cat', progress=False, **(dict(steps=2, batch_size=2) if quick else {})); learned = time.perf_counter() - t
    def draw(word): return np.stack([np.asarray(im, float) for im in perf.draw([p.format(word) for p in HELD_OUT_PROMPTS[:2 if quick else None]], n=1 if quick else 4, seed=0)])
    full = draw('<cat>')
    with tempfile.TemporaryDirectory() as d: path = perf.save(Path(d)/'cat.safetensors'); perf.unload(); perf.load(path); size = path.stat().st_size
    change = lambda x: dict(mean=float(np.abs(x - full).mean()/255), largest=float(np.abs(x - full).max()/255), worst_picture=float(np.abs(x - full).mean((1, 2, 3)).max()/255))
    return dict(pictures=len(full), bytes=size, half=change(draw('<cat>')), concept=change(draw('cat')), learned_in=round(learned, 1))

def demo(quick):
    "The command of the README, whole"
    said = []
    for _ in range(1 if quick else 2):
        with tempfile.TemporaryDirectory() as d:
            t = time.perf_counter(); out = _call(['-c', f'from perfusion_nb.cli import perfusion_demo; perfusion_demo(out={d!r}, steps={2 if quick else None})'])
            learning, inside = map(int, re.search(r'learned in (\d+) s, all in (\d+) s', out).groups()); said.append(dict(learning=learning, inside=inside, whole=round(time.perf_counter() - t, 1)))
    return dict(runs=said)

def tests(quick):
    "The tests of the README, everything not marked slow, with two workers"
    root = HERE.parents[1]; t = time.perf_counter(); names = ['--file_re', '^0[03]'] if quick else []
    out = _call(['-c', 'from nbdev.test import nbdev_test; nbdev_test()', '--n_workers', '2', '--do_print', *names], threads=1, cwd=root)
    return dict(seconds=round(time.perf_counter() - t, 1), notebooks=out.count('- Completed '))

def _call(args, threads=THREADS, cwd=None):
    "A fresh Python with this many threads"
    env = os.environ | {k: str(threads) for k in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS')} | dict(HF_HUB_OFFLINE='1', TRANSFORMERS_OFFLINE='1', TOKENIZERS_PARALLELISM='false', MPLBACKEND='agg', PYTHONWARNINGS='ignore')
    r = subprocess.run([sys.executable, *map(str, args)], env=env, cwd=cwd, capture_output=True, text=True)
    if r.returncode: raise RuntimeError(f'{" ".join(map(str, args))[:200]} failed:\n{(r.stdout + r.stderr)[-3000:]}')
    return r.stdout + r.stderr

ROWS = dict( # Row → (function, TFLOP of the whole row, seconds besides)
    machine=(machine, 1, 5), host=(host, 0, 60), graphs=(graphs, 0, 240), threads=(threads, 0, 60), fed=(fed, 1, 60),
    layer=(layer, 1, 25), projections=(projections, 5, 25), several=(several, 3, 25), learn=(learn, 18, 60), learn_others=(learn_others, 21, 60), profile=(profile, 5, 40),
    draw=(draw, 25, 50), draw_global=(draw_global, 25, 50), draw_tiny=(draw_tiny, 1, 120),
    files=(files, 0, 150), covariance=(covariance, 10, 60), covariance_sd15=(covariance_sd15, 14, 20), imports=(imports, 0, 80), picture=(picture, 0, 100), demo=(demo, 0, 200), tests=(tests, 0, 580))

PARTS = dict(learn=2, draw=2) # Rows measured in so many processes, one after the other, their rounds put together
ENGINE = 2 # Counts on when the engine is written anew: what was measured with another is measured again by `all`
OF_THE_ENGINE = ('host', 'graphs', 'threads', 'fed', 'projections', 'several', 'learn', 'draw', 'draw_tiny', 'draw_global',
                 'learn_others', 'profile')

def is_done(name, row, engine=False):
    "Is a stored row whole, and if `engine`, of this engine?"
    return bool(row) and row.get('parts', PARTS.get(name, 1)) >= PARTS.get(name, 1) and not (engine and row.get('engine') != ENGINE)

def joined(old, new):
    "A row and one more part of it: the rounds of both"
    if not old: return dict(new, parts=1)
    times = {k: old['times'][k] + t for k, t in new['times'].items()}
    return dict(new, times=times, parts=old['parts'] + 1, took=old['took'] + new['took'], peak_mib=max(old['peak_mib'], new['peak_mib']))

def measured(name, quick):
    "One part of a row, by a fresh process"
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as d:
        _call([HERE/'speed.py', 'row', name, Path(d)/'row.json', *(['--quick'] if quick else [])])
        row = json.loads((Path(d)/'row.json').read_text())
    return dict(row, took=round(time.perf_counter() - start, 1), engine=ENGINE)

def run(only, again, quick, out, engine=False):
    "Rows that are not there yet, each in a fresh process; the file is whole after each"
    from perfusion_nb.concept import write_atomic
    names, done = only or list(ROWS), json.loads(out.read_text()) if out.is_file() else {}
    if wrong := set(names) - set(ROWS): raise SystemExit(f'There is no row {", ".join(sorted(wrong))}: choose from {", ".join(ROWS)}.')
    todo = [n for n in names if again or not is_done(n, done.get(n), engine)]
    if 'machine' not in done and 'machine' not in todo: todo.insert(0, 'machine')
    def one(name):
        stored = done.get(name, {})
        kept = {} if again or is_done(name, stored) or stored.get('engine') != ENGINE else stored
        for part in range(kept.get('parts', 0), 1 if quick else PARTS.get(name, 1)):
            new = measured(name, quick)
            done[name] = kept = joined(kept, new) if name in PARTS else new
            write_atomic(out, (json.dumps(done, indent=None).replace('}, "', '},\n"') + '\n').encode())
            print(f'{name:16} took {new["took"]:6.0f} s, at most {new["peak_mib"]/1024:5.1f} GiB', flush=True)
    if 'machine' in todo: one('machine')
    rate = done['machine']['flops_per_s']/2 # Convolutions reach about half the rate of one large product
    guess = {n: (ROWS[n][1]*1e12/rate + ROWS[n][2])*PARTS.get(n, 1)*(.05 if quick else 1) for n in todo if n != 'machine'}
    for n, s in guess.items(): print(f'{n:16} predicted {s:6.0f} s' + f' in {PARTS.get(n)} parts'*(n in PARTS))
    print(f'{"all":16} predicted {sum(guess.values())/60:6.0f} min', flush=True)
    failed = []
    for n in guess:
        try: one(n)
        except RuntimeError as e: failed.append(n); print(f'{n:16} {e}', flush=True)
    if failed: raise SystemExit(f'Failed: {", ".join(failed)}. What was measured is kept; run again for the rest.')

def main():
    p = argparse.ArgumentParser(description=__doc__); sub = p.add_subparsers(dest='what', required=True)
    r = sub.add_parser('run', help='measure the rows that are missing'); r.add_argument('--only', nargs='+', metavar='ROW'); r.add_argument('--again', action='store_true', help='measure stored rows too')
    e = sub.add_parser('all', help='measure what depends on the engine, unless this engine was measured; goes on where it was stopped')
    for x in (r, e): x.add_argument('--quick', action='store_true', help='try each row with few repeats and narrow networks; not kept unless --out says where'); x.add_argument('--out', type=Path)
    o = sub.add_parser('row'); o.add_argument('name'); o.add_argument('path', type=Path); o.add_argument('--quick', action='store_true')
    c = sub.add_parser('counting'); c.add_argument('n', type=int); c.add_argument('folder')
    a = p.parse_args()
    if a.what in ('run', 'all'):
        only, again = (list(OF_THE_ENGINE), False) if a.what == 'all' else (a.only, a.again)
        with tempfile.TemporaryDirectory() as d: return run(only, again, a.quick, a.out or (Path(d)/'speed.json' if a.quick else RESULTS), a.what == 'all')
    torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', THREADS))); torch.set_num_interop_threads(1)
    if a.what == 'counting': return _counting(a.n, a.folder)
    row = ROWS[a.name][0](a.quick)
    a.path.write_text(json.dumps(dict(row, quick=a.quick, threads=torch.get_num_threads(), torch=torch.__version__.split('+')[0], peak_mib=round(peak()))))

if __name__ == '__main__': main()
