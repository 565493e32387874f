"Small networks with random weights, of the classes that real ones are made of; see networks.ipynb"
from types import SimpleNamespace
import torch
import diffusers
from diffusers import (AutoencoderDC, AutoencoderKL, AutoencoderKLLTXVideo, AutoencoderKLWan,
                       AutoencoderOobleck, DDIMScheduler, EulerDiscreteScheduler,
                       FlowMatchEulerDiscreteScheduler, LCMScheduler, UNet2DConditionModel,
                       UniPCMultistepScheduler)
from torch import nn
from transformers import (BartConfig, BartTokenizer, BertConfig, BertModel, BertTokenizer,
                          CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, Gemma2Config,
                          Gemma2Model, GemmaTokenizer, RobertaTokenizer, T5Config, T5EncoderModel,
                          T5Tokenizer, UMT5Config, UMT5EncoderModel)
from perfusion_nb.text import byte_characters, pruned_clip_tokenizer

WORDS = ('a an the photo of good image photograph shown in dog cat teddy bear on beach snow two '
         'small next to wearing hat grass at night red tree').split()
LETTERS = [*'abcdefghijklmnopqrstuvwxyz.,:;<>_-0123456789']

# ---- Tokenizers, of every kind that the networks below use

def clip_tokenizer_():
    "CLIP's byte pairs: a word ends with </w>"
    return pruned_clip_tokenizer(['a photo of a dog, a teddy bear on the beach'], common=300)

def t5_tokenizer(length=32):
    "T5's and UMT5's unigrams: a word begins with ▁"
    pieces = ['<pad>', '</s>', '<unk>', '▁', *['▁' + w for w in WORDS], *LETTERS]
    score = lambda k, p: 0. if k < 3 else -1. if len(p) > 1 else -5.
    vocab = [(p, score(k, p)) for k, p in enumerate(pieces)]
    return T5Tokenizer(vocab=vocab, extra_ids=0, **dict(model_max_length=length) if length else {})

def gemma_tokenizer():
    "Gemma's byte pairs: the space before a word belongs to it, and there is no longest text"
    special = ['<pad>', '<eos>', '<bos>', '<unk>', '<mask>']
    vocab = {t: k for k, t in enumerate([*special, '▁', *LETTERS, 'A', 'P', 'U', '\n'])}
    merges = []
    for w in WORDS:
        for whole in (w, '▁' + w):
            for k in range(2, len(whole) + 1):
                if whole[:k] not in vocab:
                    merges.append((whole[:k-1], whole[k-1]))
                    vocab[whole[:k]] = len(vocab)
    for b in range(256): vocab[f'<0x{b:02X}>'] = len(vocab)
    return GemmaTokenizer(vocab=vocab, merges=merges)

def bert_tokenizer(length=77):
    "BERT's word pieces: a word that goes on begins with ##"
    special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
    pieces = [*special, *WORDS, *LETTERS, *['##' + c for c in LETTERS]]
    vocab = {t: k for k, t in enumerate(dict.fromkeys(pieces))}
    return BertTokenizer(vocab=vocab, model_max_length=length)

def byte_tokenizer(cls=BartTokenizer, length=32):
    "BART's and RoBERTa's byte pairs: the space before a word belongs to it, as Ġ"
    vocab = {t: k for k, t in enumerate(['<s>', '<pad>', '</s>', '<unk>', '<mask>'])}
    for c in byte_characters(): vocab[c] = len(vocab)
    merges = []
    for w in WORDS:
        for whole in (w, 'Ġ' + w):
            for k in range(2, len(whole) + 1):
                if whole[:k] not in vocab:
                    merges.append((whole[:k-1], whole[k-1]))
                    vocab[whole[:k]] = len(vocab)
    return cls(vocab=vocab, merges=merges, model_max_length=length)

# ---- Text encoders

def clip(tok, cls=CLIPTextModel, width=32, act='quick_gelu'):
    return cls(CLIPTextConfig(
        vocab_size=len(tok), hidden_size=width, intermediate_size=64, num_hidden_layers=3,
        num_attention_heads=4, projection_dim=20, hidden_act=act, bos_token_id=tok.bos_token_id,
        eos_token_id=tok.eos_token_id, pad_token_id=tok.pad_token_id)).eval()

def t5(tok, width=24):
    return T5EncoderModel(T5Config(vocab_size=len(tok), d_model=width, d_kv=8, d_ff=32,
                                   num_layers=2, num_heads=3)).eval()

def umt5(tok, width=24):
    return UMT5EncoderModel(UMT5Config(vocab_size=len(tok), d_model=width, d_kv=8, d_ff=32,
                                       num_layers=2, num_heads=3)).eval()

def gemma(tok, width=24):
    return Gemma2Model(Gemma2Config(
        vocab_size=len(tok), hidden_size=width, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, head_dim=12,
        pad_token_id=tok.pad_token_id, bos_token_id=tok.bos_token_id,
        eos_token_id=tok.eos_token_id)).eval()

def bert(tok, width=24):
    return BertModel(BertConfig(vocab_size=len(tok), hidden_size=width, num_hidden_layers=2,
                                num_attention_heads=2, intermediate_size=32,
                                max_position_embeddings=77)).eval()

# ---- Autoencoders and schedulers

def vae(levels=2, **kw):
    return AutoencoderKL(**dict(
        block_out_channels=(16, 32, 32, 32)[:levels], latent_channels=4, norm_num_groups=8,
        down_block_types=['DownEncoderBlock2D']*levels, sample_size=32,
        up_block_types=['UpDecoderBlock2D']*levels) | kw).eval()

def ddim(**kw): return DDIMScheduler(clip_sample=False, steps_offset=1, **kw)

SMALL = dict(block_out_channels=(32, 64), layers_per_block=1, sample_size=16, norm_num_groups=8)

def blocks(d='2D'):
    return dict(down_block_types=(f'CrossAttnDownBlock{d}', f'DownBlock{d}'),
                up_block_types=(f'UpBlock{d}', f'CrossAttnUpBlock{d}'))

def unet(**kw):
    return UNet2DConditionModel(**dict(cross_attention_dim=32, attention_head_dim=8) | blocks()
                                | SMALL | kw)

PLAIN = dict(safety_checker=None, feature_extractor=None, requires_safety_checker=False)

def small(pipe, shape=(4, 16, 16), **kw):
    "A pipeline or alike, the shape of a latent, and what `Perfusion` is told besides"
    return SimpleNamespace(pipe=pipe, shape=shape, kw=kw)

# ---- U-Nets with one text encoder

def sd15():
    tok = clip_tokenizer_()
    return small(diffusers.StableDiffusionPipeline(
        vae=vae(), text_encoder=clip(tok), tokenizer=tok, unet=unet(), scheduler=ddim(), **PLAIN))

def sd21():
    "Its text tower is open_clip's ViT-H up to the last layer but one: a CLIPTextModel with GELU"
    tok = clip_tokenizer_()
    return small(diffusers.StableDiffusionPipeline(
        vae=vae(), text_encoder=clip(tok, act='gelu'), tokenizer=tok,
        unet=unet(attention_head_dim=(4, 8), use_linear_projection=True),
        scheduler=ddim(prediction_type='v_prediction'), **PLAIN))

def sd15_inpaint():
    "Nine channels in: latents, a mask, and the latents of what is outside it"
    from PIL import Image
    tok = clip_tokenizer_()
    pipe = diffusers.StableDiffusionInpaintPipeline(
        vae=vae(), text_encoder=clip(tok), tokenizer=tok, unet=unet(in_channels=9),
        scheduler=ddim(), **PLAIN)
    run = dict(image=Image.new('RGB', (32, 32), 'gray'), mask_image=Image.new('L', (32, 32), 255),
               height=32, width=32)
    return small(pipe, run=run)

def lcm():
    "A U-Net that is told the guidance (timestep_cond)"
    tok = clip_tokenizer_()
    return small(diffusers.LatentConsistencyModelPipeline(
        vae=vae(), text_encoder=clip(tok), tokenizer=tok, unet=unet(time_cond_proj_dim=16),
        scheduler=LCMScheduler(), **PLAIN), run=dict(original_inference_steps=10))

def animatediff(pipe=None):
    "SD 1.5's U-Net with layers for motion between; a pipeline's own parts, if one is given"
    pipe = pipe or sd15().pipe
    motion = diffusers.MotionAdapter(block_out_channels=(32, 64), motion_layers_per_block=1,
                                     motion_norm_num_groups=8, motion_num_attention_heads=4)
    names = 'vae', 'text_encoder', 'tokenizer', 'unet'
    pipe = diffusers.AnimateDiffPipeline(**{n: getattr(pipe, n) for n in names},
                                         motion_adapter=motion, scheduler=ddim())
    return small(pipe, (4, 2, 16, 16), run=dict(num_frames=2))

def text_to_video():
    tok = clip_tokenizer_()
    net = diffusers.UNet3DConditionModel(cross_attention_dim=32, attention_head_dim=8,
                                         **blocks('3D'), **SMALL)
    pipe = diffusers.TextToVideoSDPipeline(vae=vae(), text_encoder=clip(tok), tokenizer=tok,
                                           unet=net, scheduler=ddim())
    return small(pipe, (4, 2, 16, 16), run=dict(num_frames=2))

# ---- Several text encoders

def sdxl_parts(**kw):
    a, b = clip_tokenizer_(), clip_tokenizer_()
    net = unet(cross_attention_dim=72, transformer_layers_per_block=(1, 1),
               use_linear_projection=True, addition_embed_type='text_time',
               addition_time_embed_dim=8, projection_class_embeddings_input_dim=68, **kw)
    return dict(vae=vae(), text_encoder=clip(a), tokenizer=a, tokenizer_2=b, unet=net,
                text_encoder_2=clip(b, CLIPTextModelWithProjection, 40, 'gelu'),
                scheduler=EulerDiscreteScheduler())

def sdxl(): return small(diffusers.StableDiffusionXLPipeline(**sdxl_parts()))

def sdxl_inpaint():
    from PIL import Image
    pipe = diffusers.StableDiffusionXLInpaintPipeline(**sdxl_parts(in_channels=9))
    run = dict(image=Image.new('RGB', (32, 32), 'gray'), mask_image=Image.new('L', (32, 32), 255),
               height=32, width=32, strength=1.)
    return small(pipe, run=run)

def hunyuan_dit(layers=2):
    "BERT and T5 one after the other, each projected, keys normalised"
    a, b = bert_tokenizer(), t5_tokenizer(256)
    net = diffusers.HunyuanDiT2DModel(
        sample_size=16, num_layers=layers, patch_size=2, attention_head_dim=8,
        num_attention_heads=2, in_channels=4, cross_attention_dim=24, cross_attention_dim_t5=16,
        pooled_projection_dim=16, hidden_size=16, text_len=77, text_len_t5=256,
        activation_fn='gelu-approximate', learn_sigma=True)
    pipe = diffusers.HunyuanDiTPipeline(
        vae=vae(4), text_encoder=bert(a), tokenizer=a, text_encoder_2=t5(b, 16), tokenizer_2=b,
        transformer=net, scheduler=diffusers.DDPMScheduler(prediction_type='v_prediction'), **PLAIN)
    return small(pipe, (4, 8, 8), run=dict(height=64, width=64, use_resolution_binning=False))

def audioldm2():
    "One context holds what a language model makes of the prompt, the other T5's text"
    from transformers import (ClapAudioConfig, ClapConfig, ClapFeatureExtractor, ClapModel,
                              ClapTextConfig, GPT2Config, GPT2LMHeadModel, SpeechT5HifiGan,
                              SpeechT5HifiGanConfig)
    from diffusers.pipelines.audioldm2 import AudioLDM2ProjectionModel
    a, b = byte_tokenizer(RobertaTokenizer, 16), t5_tokenizer(32)
    text = ClapTextConfig(vocab_size=len(a), hidden_size=16, intermediate_size=32,
                          num_hidden_layers=2, num_attention_heads=2, projection_dim=16,
                          max_position_embeddings=40, pad_token_id=a.pad_token_id)
    sound = ClapAudioConfig(spec_size=64, window_size=4, num_mel_bins=64, depths=[2, 2],
                            num_attention_heads=[2, 2], num_hidden_layers=2, hidden_size=192,
                            patch_embeds_hidden_size=16, projection_dim=16, patch_size=2,
                            patch_stride=2, patch_embed_input_channels=4)
    clap = ClapModel(ClapConfig(text_config=text.to_dict(), audio_config=sound.to_dict(),
                                projection_dim=16)).eval()
    gpt = GPT2LMHeadModel(GPT2Config(n_embd=16, n_head=2, n_layer=2, vocab_size=40, n_ctx=64,
                                     n_positions=64)).eval()
    net = diffusers.AudioLDM2UNet2DConditionModel(
        in_channels=4, out_channels=4, cross_attention_dim=((None, 16, 24),)*2,
        attention_head_dim=8, **blocks(), **SMALL)
    voice = SpeechT5HifiGan(SpeechT5HifiGanConfig(
        model_in_dim=8, sampling_rate=16000, upsample_initial_channel=16, upsample_rates=[2, 2],
        upsample_kernel_sizes=[4, 4], resblock_kernel_sizes=[3, 7],
        resblock_dilation_sizes=[[1, 3, 5], [1, 3, 5]], normalize_before=False)).eval()
    pipe = diffusers.AudioLDM2Pipeline(
        vae=vae(in_channels=1, out_channels=1), text_encoder=clap, text_encoder_2=t5(b),
        language_model=gpt, tokenizer=a, tokenizer_2=b,
        projection_model=AudioLDM2ProjectionModel(text_encoder_dim=16, text_encoder_1_dim=24,
                                                  langauge_model_dim=16).eval(),
        feature_extractor=ClapFeatureExtractor(feature_size=64, hop_length=480,
                                               max_length_s=10), unet=net, scheduler=ddim(),
        vocoder=voice)
    return small(pipe, (4, 64, 4), run=dict(audio_length_in_s=.032, max_new_tokens=4))

# ---- Transformers of pictures, video and sound

def pixart(cls=diffusers.PixArtSigmaPipeline):
    "T5's text goes through a projection of the network first"
    tok = t5_tokenizer()
    net = diffusers.PixArtTransformer2DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=4, out_channels=8, num_layers=2,
        cross_attention_dim=32, sample_size=16, caption_channels=24)
    return small(cls(vae=vae(), text_encoder=t5(tok), tokenizer=tok, transformer=net,
                     scheduler=ddim()), run=dict(use_resolution_binning=False, clean_caption=False))

def pixart_alpha(): return pixart(diffusers.PixArtAlphaPipeline)

def wan(layers=2):
    "UMT5, trimmed and filled up with zeros; keys normalised; flow matching"
    tok = t5_tokenizer()
    net = diffusers.WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=16,
        out_channels=16, text_dim=24, freq_dim=32, ffn_dim=32, num_layers=layers,
        cross_attn_norm=True, qk_norm='rms_norm_across_heads', rope_max_seq_len=32)
    coder = AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1,
                             temperal_downsample=[False, True, True]).eval()
    pipe = diffusers.WanPipeline(
        tokenizer=tok, text_encoder=umt5(tok), vae=coder, transformer=net,
        scheduler=UniPCMultistepScheduler(prediction_type='flow_prediction', use_flow_sigmas=True,
                                          flow_shift=3.))
    return small(pipe, (16, 2, 4, 4), run=dict(height=32, width=32, num_frames=5,
                                               max_sequence_length=24))

def ltx(layers=2):
    "T5, projected first; keys normalised; latents packed in rows; flow matching, shifted by tokens"
    tok = t5_tokenizer()
    net = diffusers.LTXVideoTransformer3DModel(
        in_channels=8, out_channels=8, num_attention_heads=2, attention_head_dim=8,
        cross_attention_dim=16, num_layers=layers, caption_channels=24)
    coder = AutoencoderKLLTXVideo(
        latent_channels=8, block_out_channels=(8,)*4, decoder_block_out_channels=(8,)*4,
        layers_per_block=(1,)*5, decoder_layers_per_block=(1,)*5,
        spatio_temporal_scaling=(True, True, False, False), patch_size=1, patch_size_t=1,
        decoder_spatio_temporal_scaling=(True, True, False, False),
        decoder_inject_noise=(False,)*5, upsample_residual=(False,)*4,
        upsample_factor=(1,)*4, encoder_causal=True, decoder_causal=False).eval()
    coder.use_framewise_encoding = coder.use_framewise_decoding = False
    pipe = diffusers.LTXPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, base_shift=.95,
                                                  max_shift=2.05, base_image_seq_len=1024),
        vae=coder, text_encoder=t5(tok), tokenizer=tok, transformer=net)
    return small(pipe, (3*8*8, 8), run=dict(height=32, width=32, num_frames=9,
                                            max_sequence_length=24))

def sana(layers=2):
    "Gemma, with an instruction before the prompt, cut to the first and the last tokens"
    tok = gemma_tokenizer()
    net = diffusers.SanaTransformer2DModel(
        patch_size=1, in_channels=4, out_channels=4, num_layers=layers, num_attention_heads=2,
        attention_head_dim=8, num_cross_attention_heads=2, cross_attention_head_dim=8,
        cross_attention_dim=16, caption_channels=24, sample_size=32,
        qk_norm='rms_norm_across_heads')
    coder = AutoencoderDC(
        in_channels=3, latent_channels=4, attention_head_dim=2,
        encoder_block_types=('ResBlock', 'EfficientViTBlock'),
        decoder_block_types=('ResBlock', 'EfficientViTBlock'), encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8), encoder_qkv_multiscales=((), (5,)),
        decoder_qkv_multiscales=((), (5,)), encoder_layers_per_block=(1, 1),
        decoder_layers_per_block=(1, 1), downsample_block_type='conv',
        upsample_block_type='interpolate', decoder_norm_types='rms_norm',
        decoder_act_fns='silu').eval()
    pipe = diffusers.SanaPipeline(
        tokenizer=tok, text_encoder=gemma(tok), vae=coder, transformer=net,
        scheduler=diffusers.DPMSolverMultistepScheduler(prediction_type='flow_prediction',
                                                        use_flow_sigmas=True, flow_shift=3.))
    run = dict(height=32, width=32, use_resolution_binning=False, clean_caption=False,
               max_sequence_length=24, complex_human_instruction=['a good image:', 'User: '])
    return small(pipe, (4, 16, 16), run=run)

def stable_audio():
    "T5, projected outside of the network, masked, and two tokens for the time behind it"
    from diffusers.pipelines.stable_audio import StableAudioProjectionModel
    tok = t5_tokenizer()
    net = diffusers.StableAudioDiTModel(
        sample_size=16, in_channels=8, num_layers=2, attention_head_dim=8, num_attention_heads=2,
        num_key_value_attention_heads=2, out_channels=8, cross_attention_dim=16, time_proj_dim=16,
        global_states_input_dim=32, cross_attention_input_dim=16)
    coder = AutoencoderOobleck(encoder_hidden_size=16, downsampling_ratios=[1, 2],
                               decoder_channels=3, decoder_input_channels=8, audio_channels=2,
                               channel_multiples=[2, 4], sampling_rate=4).eval()
    pipe = diffusers.StableAudioPipeline(
        vae=coder, text_encoder=t5(tok), tokenizer=tok, transformer=net,
        projection_model=StableAudioProjectionModel(24, 16, 0, 32).eval(),
        scheduler=diffusers.CosineDPMSolverMultistepScheduler(
            sigma_min=.3, sigma_max=500, sigma_data=1., solver_order=2))
    return small(pipe, (8, 16), run=dict(audio_end_in_s=2.))

# ---- Without a pipeline: an object with the parts, and how to call the network

def parts(net, *encoders, scheduler=None):
    named = {f'{n}{k}': v for pair, k in zip(encoders, ('', '_2'))
             for n, v in zip(('text_encoder', 'tokenizer'), pair)}
    return SimpleNamespace(network=net.eval(), scheduler=scheduler or ddim(), **named)

def one_clip():
    tok = clip_tokenizer_()
    return clip(tok), tok

def audioldm2_unet():
    "AudioLDM 2's U-Net with two encoders that both give words: two contexts"
    net = diffusers.AudioLDM2UNet2DConditionModel(
        in_channels=4, out_channels=4, cross_attention_dim=((None, 32, 24),)*2,
        attention_head_dim=8, **blocks(), **SMALL)
    tok = t5_tokenizer()
    def call(net, z, t, e, e2): return net(z, t, e, encoder_hidden_states_1=e2).sample
    return small(parts(net, one_clip(), (t5(tok), tok)), call=call, sample_shape=(4, 16, 16))

class CompVisAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.to_q, self.to_k, self.to_v = (nn.Linear(d, 16, bias=False) for d in (16, 32, 32))
        self.to_out = nn.Sequential(nn.Linear(16, 16), nn.Dropout(0.))
    def forward(self, x, context):
        weights = (self.to_q(x) @ self.to_k(context).mT/4).softmax(-1)
        return self.to_out(weights @ self.to_v(context))

class CompVisBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn2, self.ff = CompVisAttention(), nn.Linear(16, 16)
    def forward(self, x, context):
        x = x + self.attn2(x, context=context)
        return x + self.ff(x)

class CompVisNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj_in, self.proj_out = nn.Conv2d(4, 16, 1), nn.Conv2d(16, 4, 1)
        self.blocks = nn.ModuleList([CompVisBlock(), CompVisBlock()])
    def forward(self, x, timesteps=None, context=None):
        h = self.proj_in(x)*torch.cos(timesteps/1000)[:, None, None, None]
        y = h.flatten(2).mT
        for b in self.blocks: y = b(y, context)
        return self.proj_out(y.mT.reshape_as(h))

def compvis():
    "The layout of the first Stable Diffusion code: the text is called context"
    def call(net, z, t, e): return net(z, timesteps=t, context=e)
    return small(parts(CompVisNet(), one_clip()), call=call, sample_shape=(4, 16, 16))

class Attend(nn.Module):
    def __init__(self):
        super().__init__()
        self.ask, self.key, self.val, self.out = (nn.Linear(a, b) for a, b in
                                                  ((4, 16), (32, 16), (32, 16), (16, 4)))
    def forward(self, x, text):
        return x + self.out((self.ask(x) @ self.key(text).mT/4).softmax(-1) @ self.val(text))

class ByHand(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = Attend(), Attend()
    def forward(self, x, t, text):
        y = x.flatten(2).mT*torch.cos(t/1000)[:, None, None]
        return self.two(self.one(y, text), text).mT.reshape_as(x)

def by_hand():
    "Names of nobody's"
    def call(net, z, t, e): return net(z, t, e)
    return small(parts(ByHand(), one_clip()), call=call, sample_shape=(4, 8, 8))

def decoder(net, encoder, tok, width):
    "A text decoder as a network: it is given rows of numbers in place of words, and gives such"
    def call(net, z, t, e):
        return net(inputs_embeds=z, encoder_hidden_states=e, use_cache=False).last_hidden_state
    return small(parts(net, (encoder, tok)), call=call, sample_shape=(6, width))

def bart_decoder():
    from transformers import BartModel
    tok = byte_tokenizer()
    model = BartModel(BartConfig(
        vocab_size=len(tok), d_model=16, encoder_layers=2, decoder_layers=2,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32,
        decoder_ffn_dim=32, max_position_embeddings=40, pad_token_id=tok.pad_token_id,
        bos_token_id=tok.bos_token_id, eos_token_id=tok.eos_token_id)).eval()
    return decoder(model.decoder, model.encoder, tok, 16)

def t5_decoder():
    from transformers import T5Model
    tok = t5_tokenizer()
    model = T5Model(T5Config(vocab_size=len(tok), d_model=24, d_kv=8, d_ff=32, num_layers=2,
                             num_heads=3)).eval()
    encoder = t5(tok)
    encoder.load_state_dict(model.state_dict(), strict=False)
    return decoder(model.decoder, encoder, tok, 24)

ZOO = {'Stable Diffusion 1.5': sd15, 'Stable Diffusion 2.1': sd21,
       'SD 1.5 inpainting': sd15_inpaint, 'LCM': lcm, 'AnimateDiff': animatediff,
       'text-to-video U-Net': text_to_video, 'Stable Diffusion XL': sdxl,
       'SDXL inpainting': sdxl_inpaint, 'PixArt-α': pixart_alpha, 'PixArt-Σ': pixart,
       'HunyuanDiT': hunyuan_dit, 'Wan': wan, 'LTX-Video': ltx, 'Sana': sana,
       'StableAudio': stable_audio, 'AudioLDM 2': audioldm2, "AudioLDM 2's U-Net": audioldm2_unet,
       'CompVis layout': compvis, 'by hand': by_hand, 'BART decoder': bart_decoder,
       'T5 decoder': t5_decoder}

# ---- What cannot be edited: the network, and with which words it is refused

def sd3():
    net = diffusers.SD3Transformer2DModel(
        sample_size=8, patch_size=2, in_channels=4, num_layers=2, attention_head_dim=8,
        num_attention_heads=4, joint_attention_dim=32, caption_projection_dim=32,
        pooled_projection_dim=16, out_channels=4, pos_embed_max_size=8)
    def call(net, z, t, e):
        return net(z, encoder_hidden_states=e, pooled_projections=e[:, 0, :16], timestep=t).sample
    s = small(parts(net, one_clip()), call=call, sample_shape=(4, 8, 8))
    return s, (ValueError, 'share one attention')

def flux():
    net = diffusers.FluxTransformer2DModel(
        in_channels=4, num_layers=1, num_single_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=32, pooled_projection_dim=16,
        axes_dims_rope=(4, 4, 8))
    def call(net, z, t, e):
        return net(hidden_states=z, encoder_hidden_states=e, pooled_projections=e[:, 0, :16],
                   timestep=t/1000, img_ids=torch.zeros(z.shape[1], 3),
                   txt_ids=torch.zeros(e.shape[1], 3)).sample
    s = small(parts(net, one_clip()), call=call, sample_shape=(16, 4))
    return s, (ValueError, 'share one attention')

def gpt():
    "Text and answer in one row"
    from transformers import GPT2Config, GPT2Model
    net = GPT2Model(GPT2Config(n_embd=32, n_head=2, n_layer=2, vocab_size=40))
    def call(net, z, t, e):
        return net(inputs_embeds=torch.cat([e, z], 1)).last_hidden_state[:, e.shape[1]:]
    s = small(parts(net, one_clip()), call=call, sample_shape=(6, 32))
    return s, (ValueError, 'share one attention')

def picture_tokens():
    "Kandinsky 2.1: tokens of a picture beside the text's"
    net = unet(encoder_hid_dim=32, encoder_hid_dim_type='text_image_proj')
    seen = torch.randn(1, 32, generator=torch.Generator().manual_seed(3))
    def call(net, z, t, e):
        more = dict(image_embeds=seen.expand(len(z), -1))
        return net(z, t, e, added_cond_kwargs=more).sample
    s = small(parts(net, one_clip()), call=call, sample_shape=(4, 16, 16))
    return s, (RuntimeError, 'tokens of a picture')

REFUSED = {'Stable Diffusion 3': sd3, 'Flux': flux, 'GPT': gpt, 'Kandinsky 2.1': picture_tokens}
